//! Whether thieves know a password: asked by the first five digits of its hash, so that nobody learns which it is
//! (<https://haveibeenpwned.com/API/v3#SearchingPwnedPasswordsByRange>).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use vestibule_http_client::HttpClient;

use crate::request::PolicyException;

/// Digits of the hash that are told.
const TOLD: usize = 5;

/// How often a password was seen among stolen ones.
pub(super) async fn times(http: &HttpClient, url: &str, password: &str) -> Result<u64, PolicyException> {
    let hash = hex::encode_upper(digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes()));
    let (told, kept) = hash.split_at(TOLD);
    let answer = http.get_text(&format!("{url}{told}")).await;
    let answer = answer.map_err(|error| PolicyException::new("HIBPError", error.to_string()))?;
    Ok(find(&answer, kept))
}

/// The count beside the rest of a hash, one `HASH:COUNT` a line.
fn find(answer: &str, wanted: &str) -> u64 {
    let lines = answer.lines().filter_map(|line| line.trim().split_once(':'));
    let found = lines.filter(|(hash, _)| hash.eq_ignore_ascii_case(wanted)).find_map(|(_, count)| count.parse().ok());
    found.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_line_is_found_whatever_its_case() {
        let answer =
            "0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n1e4c9b93f3f0682250b6cf8331b7ee68fd8:9545824\r\nnonsense\r\n";
        assert_eq!(find(answer, "1E4C9B93F3F0682250B6CF8331B7EE68FD8"), 9_545_824);
        assert_eq!(find(answer, "FFFF"), 0);
    }
}
