//! Texts that are programs: what is said of those that will not run.

/// Where a text that is a program will not run, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, counted from one.
    pub line: usize,
    /// The column, counted from one, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// Whether the wire has a sentence for it: one that counts lines from the head of the function whose body the text is.
    pub known: bool,
}

/// The language of a text that is a program.
#[derive(Clone, Copy)]
pub struct Language {
    /// Says whether a text will run, as far as that shows before it does.
    pub check: fn(&str) -> Result<(), Fault>,
    /// What messages call the program of an object that has no name yet.
    pub unnamed: &'static str,
}

impl Language {
    /// What is said to whoever gives a text that will not run; `name` is that of the object, if it has one.
    pub(crate) fn refusal(self, text: &str, name: Option<&str>) -> Option<String> {
        let Fault { line, column, message, known } = (self.check)(text).err()?;
        if !known {
            return Some(format!("Expression Syntax Error: {message} (line {line}, column {column})"));
        }
        let name = name.unwrap_or(self.unnamed);
        let file = name.rsplit('/').next().unwrap_or(name);
        Some(format!("Expression Syntax Error: {message} ({file}, line {})", line + 1))
    }
}
