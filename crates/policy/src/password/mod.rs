//! What a password must be like: long enough, of enough sorts of letters, unknown to thieves, hard to guess.

use async_trait::async_trait;
use serde_json::Value;
use vestibule_directory::{Brand, UserRow};
use vestibule_resource::{Fields, Kind, Lookup, Resource, Shape, Spec};
use vestibule_store::DocumentType;

use crate::kind::{POLICIES, Policy, PolicyBase, PolicyEntry};
use crate::request::{PolicyException, PolicyResult, Request};

mod known;

/// Where a plan keeps what a form was answered with.
const PROMPTED: &str = "prompt_data";
/// What is said where the policy has no words of its own.
const INVALID: &str = "Invalid password.";
/// Characters that the strength of a password is estimated by; whoever has more has enough.
const ESTIMATED: usize = 72;

/// What a password must be like.
#[derive(Clone, Debug, Fields)]
pub struct PasswordPolicy {
    /// What every policy has.
    #[field(flatten)]
    pub policy: PolicyBase,
    /// Where the password is: the key of a prompt's field, or a name in the context.
    #[field(default = "password")]
    pub password_field: String,
    /// Fewest digits.
    #[field(min = 0, max = 2_147_483_647, default = 0)]
    pub amount_digits: i64,
    /// Fewest capital letters.
    #[field(min = 0, max = 2_147_483_647, default = 0)]
    pub amount_uppercase: i64,
    /// Fewest small letters.
    #[field(min = 0, max = 2_147_483_647, default = 0)]
    pub amount_lowercase: i64,
    /// Fewest symbols.
    #[field(min = 0, max = 2_147_483_647, default = 0)]
    pub amount_symbols: i64,
    /// Fewest characters.
    #[field(min = 0, max = 2_147_483_647, default = 0)]
    pub length_min: i64,
    /// What counts as a symbol.
    #[field(raw, default = r##"!\"#$%&'()*+,-./:;<=>?@[\]^_`{|}~ "##)]
    pub symbol_charset: String,
    /// What is said about a password that has too few of something.
    #[field(blank, default = "")]
    pub error_message: String,
    /// Looks at length and sorts of letters.
    #[field(default = true)]
    pub check_static_rules: bool,
    /// Asks whether thieves know the password.
    #[field(default = false)]
    pub check_have_i_been_pwned: bool,
    /// Estimates how hard the password is to guess.
    #[field(default = false)]
    pub check_zxcvbn: bool,
    /// How often thieves may have seen it.
    #[field(min = 0, max = 2_147_483_647, default = 0)]
    pub hibp_allowed_count: i64,
    /// An estimate (0 to 4) that is too low, as all below.
    #[field(min = 0, max = 2_147_483_647, default = 2)]
    pub zxcvbn_score_threshold: i64,
}

impl DocumentType for PasswordPolicy {
    const KIND: &'static str = "authentik_policies_password.passwordpolicy";
}

impl Resource for PasswordPolicy {
    fn spec() -> Spec {
        Spec::new("policies/password", Self::KIND, "PasswordPolicy")
            .verbose("Password Policy", "Password Policies")
            .component("ak-policy-password-form")
            .says("What a password must be like: its length, its letters, whether thieves know it, how hard it is to guess.")
            .family(&POLICIES)
            .lookup("pk", "policy_uuid")
            .search(&["name"])
            .order(&["name"])
            .filter(&[
                "name",
                "amount_digits",
                "amount_lowercase",
                "amount_symbols",
                "amount_uppercase",
                "check_have_i_been_pwned",
                "check_static_rules",
                "check_zxcvbn",
                "error_message",
                "execution_logging",
                "hibp_allowed_count",
                "length_min",
                "password_field",
                "policy_uuid=pk",
                "symbol_charset",
                "zxcvbn_score_threshold",
            ])
            .filter_with("created", "pk", Lookup::Ignored, Shape::Time)
            .filter_with("last_updated", "pk", Lookup::Ignored, Shape::Time)
    }
}

/// As the engine knows it.
pub(crate) const ENTRY: PolicyEntry = PolicyEntry {
    kind: Kind::document::<PasswordPolicy>,
    policy: |document| document.get::<PasswordPolicy>().map(|policy| policy as &dyn Policy),
    offered: true,
};

#[async_trait]
impl Policy for PasswordPolicy {
    fn base(&self) -> &PolicyBase {
        &self.policy
    }

    async fn passes(&self, request: &Request<'_>) -> Result<PolicyResult, PolicyException> {
        let prompted = request.context(PROMPTED).and_then(|prompted| prompted.get(&self.password_field));
        let password = match prompted.or_else(|| request.context(&self.password_field)) {
            Some(Value::String(password)) if !password.is_empty() => password.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => return Ok(PolicyResult::no("Password not set in context")),
        };
        if self.check_static_rules && !self.has_enough(&password) {
            let said = if self.error_message.is_empty() { INVALID } else { &self.error_message };
            return Ok(PolicyResult::no(said));
        }
        if self.check_have_i_been_pwned {
            let times = known::times(&request.means.outside.http, &request.means.settings.hibp_url, &password).await?;
            if times > u64::try_from(self.hibp_allowed_count).unwrap_or(0) {
                return Ok(PolicyResult::no(format!("Password exists on {times} online lists.")));
            }
        }
        Ok(if self.check_zxcvbn {
            self.estimate(&password, request.user().await?, request)
        } else {
            PolicyResult::of(true)
        })
    }
}

impl PasswordPolicy {
    /// Whether it is long enough, and has enough of every sort of letters.
    fn has_enough(&self, password: &str) -> bool {
        let count = |wanted: &dyn Fn(char) -> bool| {
            i64::try_from(password.chars().filter(|letter| wanted(*letter)).count()).unwrap_or(i64::MAX)
        };
        count(&|_| true) >= self.length_min
            && count(&|letter| letter.is_ascii_digit()) >= self.amount_digits
            && count(&|letter| letter.is_ascii_lowercase()) >= self.amount_lowercase
            && count(&|letter| letter.is_ascii_uppercase()) >= self.amount_uppercase
            && count(&|letter| self.symbol_charset.contains(letter)) >= self.amount_symbols
    }

    /// Whether it is hard to guess for whoever knows the user and the server.
    fn estimate(&self, password: &str, user: Option<&UserRow>, request: &Request<'_>) -> PolicyResult {
        let cut: String = password.chars().take(ESTIMATED).collect();
        let mut known: Vec<&str> = Vec::new();
        if let Some(user) = user {
            known.extend([user.username.as_str(), &user.name, &user.email]);
        }
        let brand = request.occasion.request.brand.get("pk").and_then(Value::as_str).and_then(|pk| pk.parse().ok());
        known.extend(
            brand.and_then(|pk| request.configuration.get::<Brand>(pk)).map(|brand| brand.branding_title.as_str()),
        );
        let estimate = zxcvbn::zxcvbn(&cut, &known);
        let score = i64::from(u8::from(estimate.score()));
        let passing = score > self.zxcvbn_score_threshold;
        let mut messages = Vec::new();
        if !passing {
            messages.push("Password is too weak.".to_owned());
            let suggestions = estimate.feedback().map(zxcvbn::feedback::Feedback::suggestions).unwrap_or_default();
            messages.extend(suggestions.iter().map(ToString::to_string));
        }
        PolicyResult { passing, messages, ..PolicyResult::default() }
    }
}
