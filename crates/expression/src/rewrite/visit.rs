//! Walks the syntax tree and notes what has to be put otherwise.

use std::ops::Range;

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{CmpOp, Expr, ExprCall, ExprCompare, Operator, Stmt, StmtImport, StmtImportFrom};
use ruff_text_size::Ranged;

use super::edits::Edit;
use super::prelude::{NATIVE, module_name};

/// What a walk notes.
pub(super) struct Rewriter<'t> {
    text: &'t str,
    pub(super) edits: Vec<Edit>,
    /// Whether the text itself yields.
    pub(super) yields: bool,
    /// The first thing that will not run: its offset, and why.
    pub(super) refused: Option<(usize, String)>,
    /// `return` statements of the function that is walked.
    returns: Vec<(usize, Option<usize>, usize)>,
    /// How many `try` statements are around.
    tries: usize,
    /// Gates on a network: where they begin and end, the network, and whether they ask for the opposite.
    networks: Vec<(Range<usize>, &'t str, bool)>,
}

/// The words of a gate on a network.
pub(super) const NETWORK_WORDS: [&str; 2] = ["ak_client_ip", "ip_network"];

impl<'t> Rewriter<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            edits: Vec::new(),
            yields: false,
            refused: None,
            returns: Vec::new(),
            tries: 0,
            networks: Vec::new(),
        }
    }

    /// Walks a text, which is the body of a function.
    pub(super) fn handler(&mut self, body: &[Stmt]) {
        for statement in body {
            self.visit_stmt(statement);
        }
        self.end_generator();
    }

    /// Has gates on networks ask the server at once, if these are all that the text mentions their words for: what else it
    /// does with them needs the classes of the prelude, which take longer to make than everything else here.
    pub(super) fn networks(&mut self, mentions: usize) {
        if mentions != NETWORK_WORDS.len() * self.networks.len() {
            return;
        }
        for (range, network, negated) in std::mem::take(&mut self.networks) {
            let call = format!("_vb_client_within({network})");
            self.edit(range.start, range.end, if negated { format!("(not {call})") } else { call });
        }
    }

    /// Notes `ak_client_ip in ip_network("...")`.
    fn compare(&mut self, compare: &ExprCompare) {
        let is = |expression: &Expr, word: &str| expression.as_name_expr().is_some_and(|name| name.id.as_str() == word);
        let (&[negated @ (CmpOp::In | CmpOp::NotIn)], [Expr::Call(right)]) = (&*compare.ops, &*compare.comparators)
        else {
            return;
        };
        if is(&compare.left, NETWORK_WORDS[0])
            && is(&right.func, NETWORK_WORDS[1])
            && right.arguments.keywords.is_empty()
            && let [network @ Expr::StringLiteral(_)] = &*right.arguments.args
        {
            let range = usize::from(compare.start())..usize::from(compare.end());
            self.networks.push((range, self.source(network), negated == CmpOp::NotIn));
        }
    }

    fn edit(&mut self, start: impl Into<usize>, end: impl Into<usize>, text: impl Into<String>) {
        self.edits.push(Edit { start: start.into(), end: end.into(), text: text.into() });
    }

    fn refuse(&mut self, at: impl Ranged, message: impl Into<String>) {
        if self.refused.is_none() {
            self.refused = Some((at.start().into(), message.into()));
        }
    }

    fn source(&self, of: impl Ranged) -> &'t str {
        self.text.get(usize::from(of.start())..usize::from(of.end())).unwrap_or_default()
    }

    /// Returns of a generator end it with what it has yielded so far.
    fn end_generator(&mut self) {
        for (start, value, end) in std::mem::take(&mut self.returns) {
            match value {
                _ if !self.yields => {}
                None => self.edit(start, end, "return _vb_out"),
                Some(value) => {
                    self.edit(start, value, "_vb_gone = (");
                    self.edit(end, end, "); return _vb_out");
                }
            }
        }
    }

    /// A function of the text: a generator becomes a function that returns a list.
    fn function<'a>(&mut self, function: &'a ruff_python_ast::StmtFunctionDef)
    where
        Self: Visitor<'a>,
    {
        self.visit_parameters(&function.parameters);
        let outer = (std::mem::take(&mut self.yields), std::mem::take(&mut self.returns));
        let (edits_before, first, last) = (self.edits.len(), function.body.first(), function.body.last());
        for statement in &function.body {
            self.visit_stmt(statement);
        }
        if let (true, Some(first), Some(last)) = (self.yields, first, last) {
            let start = usize::from(first.start());
            let before = self.text.get(..start).unwrap_or_default();
            let indent = before.rsplit('\n').next().unwrap_or_default();
            let (opening, closing) = if indent.trim().is_empty() {
                (format!("_vb_out = []\n{indent}"), format!("\n{indent}return _vb_out"))
            } else {
                ("_vb_out = []; ".to_owned(), "; return _vb_out".to_owned())
            };
            // Before whatever its first statement has become.
            self.edits.insert(edits_before, Edit { start, end: start, text: opening });
            self.edit(last.end(), last.end(), closing);
        }
        self.end_generator();
        (self.yields, self.returns) = outer;
    }

    fn import(&mut self, import: &StmtImport) {
        let mut parts = Vec::new();
        for alias in &import.names {
            let (name, stored) = (alias.name.as_str(), alias.asname.as_ref().map(ToString::to_string));
            if NATIVE.contains(&name) {
                let stored = stored.map(|stored| format!(" as {stored}")).unwrap_or_default();
                parts.push(format!("import {name}{stored}"));
                continue;
            }
            let top = name.split('.').next().unwrap_or(name);
            match (module_name(name), stored) {
                (Some(module), Some(stored)) => parts.push(format!("{stored} = {module}")),
                (Some(_), None) if module_name(top).is_some() => {
                    parts.push(format!("{top} = {}", module_name(top).unwrap_or_default()));
                }
                _ => self.unknown_module(import, name, &mut parts),
            }
        }
        self.edit(import.start(), import.end(), parts.join("; "));
    }

    fn unknown_module(&mut self, at: impl Ranged, name: &str, parts: &mut Vec<String>) {
        if self.tries == 0 {
            self.refuse(at, format!("No module named '{name}' can be imported here"));
        }
        parts.push(format!("raise ModuleNotFoundError(\"No module named '{name}'\")"));
    }

    fn import_from(&mut self, import: &StmtImportFrom) {
        let module = import.module.as_ref().map(ToString::to_string).unwrap_or_default();
        if NATIVE.contains(&module.as_str()) {
            return;
        }
        let mut parts = Vec::new();
        let prelude = module_name(&module);
        let host = module.starts_with("authentik.") || module.starts_with("django.");
        if prelude.is_none() && !host {
            self.unknown_module(import, &module, &mut parts);
        } else {
            for alias in &import.names {
                let name = alias.name.as_str();
                if name == "*" {
                    self.refuse(import, "Wildcard imports are not understood: name what is imported");
                    continue;
                }
                let stored = alias.asname.as_ref().map_or(name, |stored| stored.as_str());
                match &prelude {
                    Some(prelude) if super::prelude::defines(&module, name) => {
                        parts.push(format!("{stored} = {prelude}.{name}"));
                    }
                    _ => parts.push(format!("{stored} = _vb_import({module:?}, {name:?})")),
                }
            }
        }
        self.edit(import.start(), import.end(), parts.join("; "));
    }

    fn delete(&mut self, delete: &ruff_python_ast::StmtDelete) {
        let mut parts = Vec::new();
        for target in &delete.targets {
            match target {
                Expr::Subscript(item) if !item.slice.is_slice_expr() => {
                    parts.push(format!("{}.pop({})", self.source(&*item.value), self.source(&*item.slice)));
                }
                Expr::Name(name) => parts.push(format!("{} = None", name.id)),
                other => self.refuse(other, "`del` of this is not understood: only of names and of single items"),
            }
        }
        self.edit(delete.start(), delete.end(), parts.join("; "));
    }

    fn call(&mut self, call: &ExprCall) {
        match &*call.func {
            // What a program has changed about an object goes with the call.
            Expr::Attribute(method) if method.attr.as_str() == "save" && call.arguments.args.is_empty() => {
                self.edit(call.start(), call.start(), "_vb_save(");
                self.edit(method.value.end(), call.end(), ")");
            }
            Expr::Name(name) if name.id.as_str() == "next" => {
                if let Some(generator @ Expr::Generator(_)) = call.arguments.args.first() {
                    self.edit(generator.start(), generator.start(), "iter(");
                    self.edit(generator.end(), generator.end(), ")");
                }
            }
            _ => {}
        }
    }

    /// Replaces an operator by a function of the prelude.
    fn operator(&mut self, operation: &ruff_python_ast::ExprBinOp, operator: char, function: &str) {
        let (left, right) = (usize::from(operation.left.end()), usize::from(operation.right.start()));
        let between = self.text.get(left..right).unwrap_or_default();
        // A comment between the two may hold the same character.
        if let (Some(at), false) = (between.find(operator), between.contains('#')) {
            self.edit(operation.start(), operation.start(), format!("{function}("));
            self.edit(left + at, left + at + 1, ",");
            self.edit(operation.end(), operation.end(), ")");
        }
    }
}

impl<'a> Visitor<'a> for Rewriter<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => return self.function(function),
            Stmt::Return(given) => {
                let value = given.value.as_ref().map(|value| value.start().into());
                self.returns.push((given.start().into(), value, given.end().into()));
            }
            Stmt::Delete(delete) => return self.delete(delete),
            Stmt::Import(import) => return self.import(import),
            Stmt::ImportFrom(import) => return self.import_from(import),
            Stmt::Match(_) => self.refuse(statement, "`match` is not understood: write if and elif"),
            Stmt::Try(_) => {
                self.tries += 1;
                visitor::walk_stmt(self, statement);
                self.tries -= 1;
                return;
            }
            Stmt::AugAssign(assign) if assign.op == Operator::BitOr && assign.target.is_name_expr() => {
                let target = self.source(&*assign.target);
                self.edit(assign.target.end(), assign.value.start(), format!(" = _vb_or({target}, "));
                self.edit(assign.end(), assign.end(), ")");
            }
            Stmt::Expr(expression) => match &*expression.value {
                Expr::Yield(given) => {
                    self.yields = true;
                    match &given.value {
                        Some(value) => {
                            self.edit(given.start(), value.start(), "_vb_out.append((");
                            self.visit_expr(value);
                            self.edit(given.end(), given.end(), "))");
                        }
                        None => self.edit(given.start(), given.end(), "_vb_out.append(None)"),
                    }
                    return;
                }
                Expr::YieldFrom(given) => {
                    self.yields = true;
                    self.edit(given.start(), given.value.start(), "_vb_out.extend(");
                    self.visit_expr(&given.value);
                    self.edit(given.end(), given.end(), ")");
                    return;
                }
                _ => {}
            },
            _ => {}
        }
        visitor::walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::BinOp(operation) if !operation.left.is_number_literal_expr() => match operation.op {
                Operator::Mod => self.operator(operation, '%', "_vb_mod"),
                Operator::BitOr => self.operator(operation, '|', "_vb_or"),
                _ => {}
            },
            Expr::Call(call) => self.call(call),
            Expr::Compare(compare) => self.compare(compare),
            Expr::Yield(_) | Expr::YieldFrom(_) => {
                self.refuse(expression, "The value of a `yield` is not understood: yield in a statement of its own");
            }
            Expr::Await(_) => self.refuse(expression, "`await` is not understood: every function waits by itself"),
            _ => {}
        }
        visitor::walk_expr(self, expression);
    }
}
