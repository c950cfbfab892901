//! What a stage would do, where a walk is only supposed: nobody answers, nothing is written, nothing is sent.

use uuid::Uuid;
use vestibule_directory::UserRow;
use vestibule_events::Request;
use vestibule_kernel::{ApiError, Object};
use vestibule_store::{Configuration, DocumentType, Store};

use crate::flow::Flow;
use crate::plan::Plan;
use crate::policies::{Occasion, Policies, Verdict};

/// What a stage works with there.
pub struct Supposing<'a> {
    /// The configuration at the start of the request.
    pub configuration: &'a Configuration,
    /// What a stage may look at, and never writes to.
    pub store: &'a Store,
    /// The flow.
    pub flow: &'a Flow,
    /// The plan; stages note on it what they would have found out.
    pub plan: &'a mut Plan,
    /// Who walks, whether or not the flow knows it yet; `None`: somebody without an account.
    pub person: Option<&'a UserRow>,
    /// The key of who is signed in.
    pub signed_in: Option<i64>,
    /// What is answered at this stage, as far as anything was said about it. A stage takes what it makes something of; what
    /// is left the plan knows.
    pub answers: Option<&'a Object>,
    /// The request, as policies see it.
    pub request: &'a Request,
    /// Whether an account would have been made on the way, or would be made now.
    pub made: &'a mut bool,
    pub(crate) policies: &'a dyn Policies,
}

/// What it would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supposed {
    /// It asks, and what is answered will do.
    Asks,
    /// It asks, and the answer is refused, in these words.
    Refuses(Vec<String>),
    /// It does its work without asking.
    Acts,
    /// It is passed over, by itself.
    Skips,
    /// It refuses, in these words.
    Denies(String),
    /// It leads away.
    Leaves,
    /// Only a real walk shows it.
    Depends,
}

impl Supposing<'_> {
    /// The key of the user this flow is about: the pending one, else who is signed in.
    pub fn user(&self) -> Option<i64> {
        match &self.plan.pending {
            Some(pending) => pending.pk,
            None => self.signed_in,
        }
    }

    /// Whether the user this flow is about has an account that is in use.
    pub fn is_active(&self) -> bool {
        let user = self.user();
        user.is_some() && self.person.is_some_and(|person| Some(person.pk) == user && person.is_active)
    }

    /// Another document of a typed kind.
    pub fn get<T: DocumentType>(&self, pk: Option<Uuid>) -> Option<&T> {
        self.configuration.get::<T>(pk?)
    }

    /// What policies say about an answer, on a plan that holds it.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn validate(&self, policies: &[Uuid], plan: &Plan) -> Result<Verdict, ApiError> {
        let occasion = Occasion::on_the_way(self.request, plan);
        self.policies.validate(self.configuration, policies, self.user(), occasion).await
    }
}
