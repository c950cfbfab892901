// Takes out of a style sheet what no script of the bundle asks for. Mantine's classes are names that stand in the scripts
// of its components as they are: a rule for a component that is not in the bundle styles nothing.

import postcss from "postcss";

const CLASS = /\.(m_[0-9a-f]+)/g;

/** The style sheet without rules for classes that do not stand in `scripts`. */
export const prune = (css, scripts) => {
  const known = new Map();
  const asked = (name) => {
    if (!known.has(name)) known.set(name, scripts.some((script) => script.includes(name)));
    return known.get(name);
  };
  const root = postcss.parse(css);
  root.walkRules((rule) => {
    if (/^keyframes$|-keyframes$/.test(rule.parent?.name ?? "")) return;
    const left = rule.selectors.filter((selector) => [...bare(selector).matchAll(CLASS)].every(([, name]) => asked(name)));
    if (left.length === 0) rule.remove();
    else if (left.length < rule.selectors.length) rule.selectors = left;
  });
  // A condition without a rule in it is nothing.
  let before;
  do {
    before = root.nodes.length;
    root.walkAtRules((at) => { if (at.nodes?.length === 0) at.remove(); });
  } while (root.nodes.length < before);
  return root.toString();
};

/** A selector without what it excludes. */
const bare = (selector) => selector.replace(/:not\([^()]*\)/g, "");
