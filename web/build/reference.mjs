// Bundles the API reference: one script and one style sheet, with the licences of all that is in them.

import { build } from "esbuild";

import { licences } from "./licences.mjs";
import { INTO, ROOT, pack } from "./pack.mjs";

/** The viewer can talk to services of its maker; those parts stay out. */
const leaveOut = {
  name: "leave out",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@scalar\/agent-chat/ }, ({ path }) => ({ path, namespace: "nothing" }));
    onLoad({ filter: /.*/, namespace: "nothing" }, () => ({ contents: "module.exports = {};" }));
  },
};

export const reference = async () => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["src/reference/reference.js"],
    bundle: true,
    minify: true,
    metafile: true,
    write: false,
    format: "esm",
    target: ["chrome111", "firefox115", "safari16.4"],
    legalComments: "none",
    outdir: INTO,
    plugins: [leaveOut],
    define: {
      "process.env.NODE_ENV": '"production"',
      __VUE_OPTIONS_API__: "true",
      __VUE_PROD_DEVTOOLS__: "false",
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
    },
  });
  const notices = await licences(Object.keys(metafile.inputs));
  // The script last: it is what `scripts/web.sh` looks at.
  await pack("reference.txt", Buffer.from(notices));
  for (const ending of [".css", ".js"]) {
    const { contents } = outputFiles.find(({ path }) => path.endsWith(ending));
    await pack(`reference${ending}`, Buffer.from(contents));
  }
};
