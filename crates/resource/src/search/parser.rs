//! From tokens to an expression.

use super::lexer::{Token, tokens};

/// Deepest parentheses.
const DEEPEST: usize = 32;
/// Most comparisons.
const MOST: usize = 100;
/// Most members of a list.
const LONGEST_LIST: usize = 200;

/// What is searched for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    /// Both.
    And(Box<Expression>, Box<Expression>),
    /// At least one.
    Or(Box<Expression>, Box<Expression>),
    /// A field compared.
    Comparison(Comparison),
}

/// A field compared with a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Comparison {
    /// The field, and the names inside of it.
    pub path: Vec<String>,
    /// How.
    pub operator: Operator,
    /// Whether the opposite is meant.
    pub negated: bool,
    /// With what: one value, or those of a list.
    pub values: Vec<Value>,
}

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// `=`, and `in`
    Is,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `~`
    Contains,
    /// `startswith`
    Begins,
    /// `endswith`
    Ends,
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// Nothing.
    Nothing,
}

/// The expression that a text is; `None`: it is none.
pub(super) fn parse(text: &str) -> Option<Expression> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, comparisons: 0 };
    let expression = parser.expression(0)?;
    parser.tokens.is_empty().then_some(expression)
}

struct Parser<'a> {
    tokens: &'a [Token],
    comparisons: usize,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    /// Takes the next token if it is this one.
    fn take(&mut self, wanted: &Token) -> bool {
        let is_next = self.tokens.first() == Some(wanted);
        if is_next {
            self.next();
        }
        is_next
    }

    /// `and` and `or` bind alike and to the right, as in the reference: `a and b or c` is `a and (b or c)`.
    fn expression(&mut self, depth: usize) -> Option<Expression> {
        let mut before = Vec::new();
        loop {
            let part = self.part(depth)?;
            let is_and = self.take(&Token::Word("and"));
            if !is_and && !self.take(&Token::Word("or")) {
                let join = |right, (left, is_and): (Expression, bool)| match is_and {
                    true => Expression::And(Box::new(left), Box::new(right)),
                    false => Expression::Or(Box::new(left), Box::new(right)),
                };
                return Some(before.into_iter().rev().fold(part, join));
            }
            before.push((part, is_and));
        }
    }

    fn part(&mut self, depth: usize) -> Option<Expression> {
        if self.take(&Token::Open) {
            if depth >= DEEPEST {
                return None;
            }
            let inside = self.expression(depth + 1)?;
            return self.take(&Token::Close).then_some(inside);
        }
        self.comparisons += 1;
        if self.comparisons > MOST {
            return None;
        }
        let Token::Name(path) = self.next()? else { return None };
        self.comparison(path.clone()).map(Expression::Comparison)
    }

    fn comparison(&mut self, path: Vec<String>) -> Option<Comparison> {
        let negated = self.take(&Token::Word("not"));
        let (operator, negated) = match self.next()? {
            Token::Word("in") => {
                return Some(Comparison { path, operator: Operator::Is, negated, values: self.list()? });
            }
            Token::Word("startswith") => (Operator::Begins, negated),
            Token::Word("endswith") => (Operator::Ends, negated),
            Token::Sign(sign) if !negated => match *sign {
                "=" => (Operator::Is, false),
                "!=" => (Operator::Is, true),
                ">" => (Operator::Greater, false),
                ">=" => (Operator::AtLeast, false),
                "<" => (Operator::Less, false),
                "<=" => (Operator::AtMost, false),
                "~" => (Operator::Contains, false),
                _ => (Operator::Contains, true),
            },
            _ => return None,
        };
        let value = self.value()?;
        let fits = match (&value, operator) {
            (_, Operator::Is) | (Value::Text(_), _) => true,
            (Value::Integer(_) | Value::Number(_), operator) => {
                !matches!(operator, Operator::Contains | Operator::Begins | Operator::Ends)
            }
            (Value::Boolean(_) | Value::Nothing, _) => false,
        };
        fits.then(|| Comparison { path, operator, negated, values: vec![value] })
    }

    fn list(&mut self) -> Option<Vec<Value>> {
        if !self.take(&Token::Open) {
            return None;
        }
        let mut values = vec![self.value()?];
        while self.take(&Token::Comma) {
            values.push(self.value()?);
        }
        (self.take(&Token::Close) && values.len() <= LONGEST_LIST).then_some(values)
    }

    fn value(&mut self) -> Option<Value> {
        Some(match self.next()? {
            Token::Text(text) => Value::Text(text.clone()),
            Token::Integer(number) => Value::Integer(*number),
            Token::Number(number) => Value::Number(*number),
            Token::Boolean(value) => Value::Boolean(*value),
            Token::Nothing => Value::Nothing,
            _ => return None,
        })
    }
}
