//! Names of files: a path below one folder, and nothing that leads out of it.

/// What stands for the light or dark theme in a name.
pub(super) const THEME: &str = "%(theme)s";
/// Most letters of a name, and of one part of it.
const LONGEST: usize = 1024;
const LONGEST_PART: usize = 255;

/// Whether a file may have this name.
///
/// # Errors
/// Why not.
pub(super) fn check(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("File name cannot be empty".into());
    }
    let plain = name.replace(THEME, "theme");
    if !plain.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '-')) {
        return Err("File name can only contain letters (a-z, A-Z), numbers (0-9), dots (.), hyphens (-), \
                    underscores (_), forward slashes (/), and the placeholder %(theme)s for theme-specific files"
            .into());
    }
    if name.contains("//") {
        return Err("File name cannot contain duplicate /".into());
    }
    if name.starts_with('/') {
        return Err("Absolute paths are not allowed".into());
    }
    let parts = || name.split('/');
    if parts().any(|part| part == "..") {
        return Err("Parent directory references ('..') are not allowed".into());
    }
    if name.starts_with('.') || parts().any(|part| part == ".") {
        return Err("Paths cannot start with '.'".into());
    }
    if name.ends_with('/') {
        return Err("File name cannot end with /".into());
    }
    if name.len() > LONGEST {
        return Err(format!("File name too long (max {LONGEST} characters)"));
    }
    if parts().any(|part| part.len() > LONGEST_PART) {
        return Err(format!("Path component too long (max {LONGEST_PART} characters)"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn names_stay_below_their_folder() {
        for good in ["logo.png", "icons/a-b_c.svg", "logo-%(theme)s.png", "a.b/c.d"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        let bad = [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "..",
            "a//b",
            ".hidden",
            "./a",
            "a\\b",
            "a\0b",
            "a%2e%2e/b",
            "a b",
            "a/",
        ];
        for bad in bad {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check(&"a".repeat(256)).is_err());
        assert!(check(&"a/".repeat(600)).is_err());
    }
}
