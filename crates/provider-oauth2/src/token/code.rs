//! A code is exchanged (RFC 6749, section 4.1.3; RFC 7636, section 4.6).

use aws_lc_rs::digest::{SHA256, digest};
use vestibule_jose::encode;
use vestibule_kernel::Object;
use vestibule_kernel::secret::constant_time_eq;

use super::Asking;
use super::issue::Issue;
use crate::error::{TokenError, token_error};
use crate::grants::{Granted, take_code};
use crate::provider::GrantType;
use crate::redirect_uri::is_registered;

pub(super) async fn grant(asking: &Asking<'_>) -> Result<Object, TokenError> {
    asking.authenticate()?;
    if !asking.client.may_use(GrantType::AuthorizationCode) && !asking.client.may_use(GrantType::Hybrid) {
        return Err(token_error("unauthorized_client"));
    }
    let Some(code) = asking.form.get("code") else { return Err(token_error("invalid_grant")) };
    let redirect_uri = asking.form.text("redirect_uri");
    if !is_registered(redirect_uri, asking.client.addresses("authorization")) {
        return Err(token_error("invalid_client"));
    }
    // Taken out before anything else is looked at: whoever holds a code has one try.
    let found = take_code(asking.state.store(), asking.state.ctx(), code).await?;
    let Some(found) = found.filter(|found| found.provider == asking.client.pk()) else {
        return Err(token_error("invalid_grant"));
    };
    if found.granted.redirect_uri.as_deref() != Some(redirect_uri) {
        return Err(token_error("invalid_grant"));
    }
    verify(&found.granted, asking.form.get("code_verifier"))?;
    let confirmation = confirmed(&found.granted, asking)?;
    let user = asking.user(found.user).await?;
    asking.permitted(&user, &found.scope, Object::new()).await?;
    let issue = Issue {
        user: &user,
        scope: &found.scope,
        refresh_scope: &found.scope,
        granted: Granted { confirmation, challenge: None, redirect_uri: None, ..found.granted },
        family: found.family,
        refreshable: asking.client.may_use(GrantType::RefreshToken),
        spent: None,
        event: None,
    };
    issue.answer(asking).await
}

/// A challenge and its verifier go together: neither may be missing (CVE-2023-48228, CVE-2024-23647).
fn verify(granted: &Granted, verifier: Option<&str>) -> Result<(), TokenError> {
    let fits = match (&granted.challenge, verifier) {
        (None, None) => true,
        (Some((challenge, method)), Some(verifier)) => {
            let made = match method.as_str() {
                "S256" => encode(digest(&SHA256, verifier.as_bytes()).as_ref()),
                _ => verifier.to_owned(),
            };
            constant_time_eq(&made, challenge)
        }
        _ => false,
    };
    if fits { Ok(()) } else { Err(token_error("invalid_grant")) }
}

/// The key that tokens are bound to: the one that the code was, if it was (RFC 9449, section 10).
fn confirmed(granted: &Granted, asking: &Asking<'_>) -> Result<Option<String>, TokenError> {
    if granted.confirmation.is_some() && granted.confirmation != asking.proof {
        return Err(token_error("invalid_dpop_proof"));
    }
    Ok(asking.proof.clone())
}

#[cfg(test)]
mod tests {
    use super::{Granted, verify};

    #[test]
    fn a_challenge_and_its_verifier_go_together() {
        // RFC 7636, appendix B.
        let s256 = Some(("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(), "S256".to_owned()));
        let granted = |challenge| Granted { challenge, ..Granted::default() };
        let verifier = Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert!(verify(&granted(s256.clone()), verifier).is_ok());
        assert!(verify(&granted(s256.clone()), Some("other")).is_err());
        assert!(verify(&granted(s256), None).is_err());
        assert!(verify(&granted(None), verifier).is_err());
        assert!(verify(&granted(None), None).is_ok());
        let plain = Some(("abc".to_owned(), "plain".to_owned()));
        assert!(verify(&granted(plain.clone()), Some("abc")).is_ok() && verify(&granted(plain), Some("abd")).is_err());
    }
}
