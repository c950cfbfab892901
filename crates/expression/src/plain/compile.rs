//! Which programs are plain.

use std::collections::HashSet;

use ruff_python_ast::{self as ast, CmpOp, Expr, Stmt};

use super::{Call, Comparison, Each, Expression, METHODS, Plain, Statement};
use crate::value::Value;

/// Names that are what was given under them, and nothing that the interpreter or its prelude would put in their place. Sorted.
const INPUTS: [&str; 8] = ["application", "context", "provider", "request", "source", "token", "user", "userinfo"];
/// How deep an expression may be: it is walked by recursion.
const DEEPEST: usize = 32;

/// The program, if it is plain.
pub(crate) fn compile(body: &[Stmt]) -> Option<Plain> {
    let mut own = HashSet::new();
    assigned(body, &mut own);
    // The one that comes back, and the one that is tied to it.
    if own.contains("context") || own.contains("request") {
        return None;
    }
    Compiler { own, bound: Vec::new(), depth: 0 }.statements(body).map(Plain)
}

/// Names that statements give a value.
fn assigned<'t>(body: &'t [Stmt], names: &mut HashSet<&'t str>) {
    for statement in body {
        match statement {
            Stmt::Assign(assign) => {
                names.extend(assign.targets.iter().filter_map(Expr::as_name_expr).map(|name| name.id.as_str()));
            }
            Stmt::If(choice) => {
                assigned(&choice.body, names);
                choice.elif_else_clauses.iter().for_each(|clause| assigned(&clause.body, names));
            }
            _ => {}
        }
    }
}

struct Compiler<'t> {
    own: HashSet<&'t str>,
    /// Names of the lists that one is within.
    bound: Vec<&'t str>,
    depth: usize,
}

impl<'t> Compiler<'t> {
    fn statements(&mut self, body: &'t [Stmt]) -> Option<Vec<Statement>> {
        let does = |statement: &&Stmt| match statement {
            Stmt::Pass(_) => false,
            Stmt::Expr(alone) => !alone.value.is_literal_expr(),
            _ => true,
        };
        body.iter().filter(does).map(|statement| self.statement(statement)).collect()
    }

    fn statement(&mut self, statement: &'t Stmt) -> Option<Statement> {
        Some(match statement {
            Stmt::Assign(assign) => {
                let [Expr::Name(name)] = assign.targets.as_slice() else { return None };
                is_plain_name(&name.id).then_some(())?;
                Statement::Assign(name.id.as_str().into(), self.expression(&assign.value)?)
            }
            Stmt::Return(back) => {
                let value = back.value.as_deref().map(|value| self.expression(value));
                Statement::Return(value.unwrap_or(Some(Expression::Constant(Value::None)))?)
            }
            Stmt::If(choice) => {
                let mut otherwise = Vec::new();
                for clause in choice.elif_else_clauses.iter().rev() {
                    let body = self.statements(&clause.body)?;
                    otherwise = match &clause.test {
                        Some(test) => vec![Statement::If(self.expression(test)?, body, otherwise)],
                        None => body,
                    };
                }
                Statement::If(self.expression(&choice.test)?, self.statements(&choice.body)?, otherwise)
            }
            _ => return None,
        })
    }

    fn expression(&mut self, expression: &'t Expr) -> Option<Expression> {
        if self.depth >= DEEPEST {
            return None;
        }
        self.depth += 1;
        let made = self.expression_here(expression);
        self.depth -= 1;
        made
    }

    fn boxed(&mut self, expression: &'t Expr) -> Option<Box<Expression>> {
        self.expression(expression).map(Box::new)
    }

    fn expression_here(&mut self, expression: &'t Expr) -> Option<Expression> {
        Some(match expression {
            Expr::NoneLiteral(_) => Expression::Constant(Value::None),
            Expr::BooleanLiteral(literal) => Expression::Constant(Value::Bool(literal.value)),
            Expr::NumberLiteral(literal) => match &literal.value {
                ast::Number::Int(number) => Expression::Constant(Value::Int(number.as_i64()?)),
                _ => return None,
            },
            Expr::StringLiteral(literal) => Expression::Constant(literal.value.to_str().into()),
            Expr::Name(name) => {
                let name = name.id.as_str();
                if self.own.contains(name) || self.bound.contains(&name) {
                    Expression::Own(name.into())
                } else {
                    INPUTS.contains(&name).then(|| Expression::Input(name.into()))?
                }
            }
            Expr::Attribute(attribute) => {
                let name = attribute.attr.as_str();
                is_plain_name(name).then_some(())?;
                Expression::Attribute(self.boxed(&attribute.value)?, name.into())
            }
            Expr::Subscript(subscript) => {
                let key = subscript.slice.as_string_literal_expr()?.value.to_str();
                Expression::Item(self.boxed(&subscript.value)?, key.into())
            }
            Expr::Call(call) => self.call(call)?,
            Expr::List(list) => Expression::List(self.all(&list.elts)?),
            Expr::Dict(dict) => self.dict(dict)?,
            Expr::ListComp(list) => self.each(list)?,
            Expr::UnaryOp(ast::ExprUnaryOp { op: ast::UnaryOp::Not, operand, .. }) => {
                Expression::Not(self.boxed(operand)?)
            }
            Expr::BoolOp(all) => match all.op {
                ast::BoolOp::And => Expression::And(self.all(&all.values)?),
                ast::BoolOp::Or => Expression::Or(self.all(&all.values)?),
            },
            Expr::If(choice) => Expression::Choice(Box::new([
                self.expression(&choice.test)?,
                self.expression(&choice.body)?,
                self.expression(&choice.orelse)?,
            ])),
            Expr::Compare(compare) => {
                let ([op], [right]) = (&*compare.ops, &*compare.comparators) else { return None };
                let comparison = match op {
                    CmpOp::Eq => Comparison::Equal,
                    CmpOp::NotEq => Comparison::Unequal,
                    CmpOp::Is if right.is_none_literal_expr() => Comparison::Is,
                    CmpOp::IsNot if right.is_none_literal_expr() => Comparison::IsNot,
                    CmpOp::In => Comparison::In,
                    CmpOp::NotIn => Comparison::NotIn,
                    _ => return None,
                };
                Expression::Compare(Box::new([self.expression(&compare.left)?, self.expression(right)?]), comparison)
            }
            Expr::FString(text) => {
                let mut parts = Vec::new();
                for part in &text.value {
                    match part {
                        ast::FStringPart::Literal(literal) => parts.push(Expression::Constant((*literal.value).into())),
                        ast::FStringPart::FString(text) => self.parts(text, &mut parts)?,
                    }
                }
                Expression::Text(parts)
            }
            _ => return None,
        })
    }

    fn parts(&mut self, text: &'t ast::FString, parts: &mut Vec<Expression>) -> Option<()> {
        for element in &text.elements {
            parts.push(match element {
                ast::InterpolatedStringElement::Literal(literal) => Expression::Constant((*literal.value).into()),
                ast::InterpolatedStringElement::Interpolation(value)
                    if value.conversion.is_none() && value.format_spec.is_none() && value.debug_text.is_none() =>
                {
                    self.expression(&value.expression)?
                }
                ast::InterpolatedStringElement::Interpolation(_) => return None,
            });
        }
        Some(())
    }

    fn all(&mut self, expressions: &'t [Expr]) -> Option<Vec<Expression>> {
        expressions.iter().map(|one| self.expression(one)).collect()
    }

    fn call(&mut self, call: &'t ast::ExprCall) -> Option<Expression> {
        let (given, keywords) = (&*call.arguments.args, &*call.arguments.keywords);
        match &*call.func {
            Expr::Name(name) if name.id.as_str() == "hasattr" && !self.own.contains("hasattr") => {
                let ([of, name], []) = (given, keywords) else { return None };
                let name = name.as_string_literal_expr()?.value.to_str();
                is_plain_name(name).then_some(())?;
                Some(Expression::HasAttribute(self.boxed(of)?, name.into()))
            }
            Expr::Attribute(method) if METHODS.contains(&method.attr.as_str()) => {
                let named = keywords.iter().map(|keyword| {
                    let name = keyword.arg.as_ref()?.as_str();
                    Some((name.into(), self.expression(&keyword.value)?))
                });
                let named = named.collect::<Option<_>>()?;
                Some(Expression::Call(Box::new(Call {
                    of: self.expression(&method.value)?,
                    method: method.attr.as_str().into(),
                    positional: self.all(given)?,
                    named,
                })))
            }
            _ => None,
        }
    }

    fn dict(&mut self, dict: &'t ast::ExprDict) -> Option<Expression> {
        let mut pairs: Vec<(Box<str>, Expression)> = Vec::new();
        for item in &dict.items {
            let key = item.key.as_ref()?.as_string_literal_expr()?.value.to_str();
            if pairs.iter().any(|(known, _)| **known == *key) {
                return None;
            }
            pairs.push((key.into(), self.expression(&item.value)?));
        }
        Some(Expression::Dict(pairs))
    }

    fn each(&mut self, list: &'t ast::ExprListComp) -> Option<Expression> {
        let [generator] = list.generators.as_slice() else { return None };
        let name = generator.target.as_name_expr()?.id.as_str();
        if generator.is_async || !is_plain_name(name) {
            return None;
        }
        let over = self.expression(&generator.iter)?;
        self.bound.push(name);
        let inner = self.expression(&list.elt).zip(self.all(&generator.ifs));
        self.bound.pop();
        let (element, conditions) = inner?;
        Some(Expression::Each(Box::new(Each { element, name: name.into(), over, conditions })))
    }
}

/// A name that stands for itself.
fn is_plain_name(name: &str) -> bool {
    !name.starts_with('_') && name.is_ascii()
}
