//! Programs that need no interpreter: they only look at what they are given, and say what they have seen. Most that are run
//! at every login and for every token are such.
//!
//! A text that consists of nothing else is kept as a small tree beside what the interpreter runs, and walked through first.
//! Whatever in it is not entirely plain when it runs (an attribute that is not there, a comparison of things of two kinds, more
//! than may come out) is left to the interpreter, from the beginning: nothing that is done here can be noticed, so that it may
//! be done again. So there is one place that says what a program means, and how it fails.

mod compile;
mod walk;

pub(crate) use compile::compile;
pub(crate) use walk::run;

use crate::value::Value;

/// Methods of the host's objects that change nothing.
const METHODS: [&str; 7] = ["all", "count", "exists", "filter", "first", "get", "group_attributes"];

/// A program.
#[derive(Debug)]
pub(crate) struct Plain(Vec<Statement>);

#[derive(Debug)]
enum Statement {
    Assign(Box<str>, Expression),
    /// What is done where a condition holds, and otherwise.
    If(Expression, Vec<Statement>, Vec<Statement>),
    Return(Expression),
}

#[derive(Debug)]
enum Expression {
    Constant(Value),
    /// What the program itself has given this name.
    Own(Box<str>),
    /// What it was given under this name, or its host has for it.
    Input(Box<str>),
    Attribute(Box<Expression>, Box<str>),
    /// What a dictionary has under a key, which has to be there.
    Item(Box<Expression>, Box<str>),
    Call(Box<Call>),
    HasAttribute(Box<Expression>, Box<str>),
    List(Vec<Expression>),
    Dict(Vec<(Box<str>, Expression)>),
    Each(Box<Each>),
    Not(Box<Expression>),
    /// The first that is true, or the last.
    Or(Vec<Expression>),
    /// The first that is false, or the last.
    And(Vec<Expression>),
    /// What is taken where a condition holds, and otherwise.
    Choice(Box<[Expression; 3]>),
    Compare(Box<[Expression; 2]>, Comparison),
    /// Texts behind one another.
    Text(Vec<Expression>),
}

/// A method is called.
#[derive(Debug)]
struct Call {
    of: Expression,
    method: Box<str>,
    positional: Vec<Expression>,
    named: Vec<(Box<str>, Expression)>,
}

/// A list of what is made of each.
#[derive(Debug)]
struct Each {
    element: Expression,
    name: Box<str>,
    over: Expression,
    conditions: Vec<Expression>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Is,
    IsNot,
    In,
    NotIn,
}

#[cfg(test)]
mod tests;
