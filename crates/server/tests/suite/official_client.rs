//! The official client, unmodified, over a socket: what it sends is understood, what it gets it can read.

use authentik_client::apis::configuration::Configuration;
use authentik_client::apis::{Error, core_api, flows_api, root_api, stages_api};
use authentik_client::models::{
    BackendsEnum, CaptchaStageRequest, ChallengeTypes, FlowChallengeResponseRequest, FlowDesignationEnum, FlowRequest,
    IdentificationChallengeResponseRequest, IdentificationStageRequest, PasswordChallengeResponseRequest,
    PasswordStageRequest, PatchedIdentificationStageRequest, UserFieldsEnum, UserPasswordSetRequest, UserRequest,
};
use serde_json::json;
use tokio::sync::watch;
use uuid::Uuid;
use vestibule_server::http::listener;

use crate::app::{ADMIN, App};
use crate::fixtures::Fixtures;

/// A server on a port of its own.
struct Listening {
    app: App,
    base: String,
    _stop: watch::Sender<bool>,
}

async fn listening() -> Listening {
    let app = App::start().await;
    let socket = listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let base = format!("http://{}/api/v3", socket.local_addr().unwrap());
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(listener::serve(socket, None, app.router.clone(), stopped));
    Listening { app, base, _stop: stop }
}

impl Listening {
    fn client(&self, token: Option<&str>) -> Configuration {
        let client = reqwest::Client::builder().cookie_store(true).no_proxy().build().unwrap();
        Configuration {
            base_path: self.base.clone(),
            client: client.into(),
            bearer_access_token: token.map(str::to_owned),
            ..Configuration::default()
        }
    }
}

fn status<T>(error: Error<T>) -> u16 {
    match error {
        Error::ResponseError(content) => content.status.as_u16(),
        _ => panic!("no answer"),
    }
}

#[tokio::test]
async fn an_identification_stage_with_every_field() {
    let server = listening().await;
    let admin = server.client(Some(ADMIN));
    let mut fixtures = Fixtures::new(&server.app);
    let password = PasswordStageRequest::new("password".into(), vec![BackendsEnum::AuthentikCoreAuthInbuiltBackend]);
    let password = stages_api::stages_password_create(&admin, password).await.unwrap().pk;
    let captcha = CaptchaStageRequest::new("captcha".into(), "public".into(), "private".into());
    let captcha = stages_api::stages_captcha_create(&admin, captcha).await.unwrap().pk;
    let mut flows = Vec::new();
    for (slug, designation) in [
        ("enroll", FlowDesignationEnum::Enrollment),
        ("recover", FlowDesignationEnum::Recovery),
        ("passwordless", FlowDesignationEnum::Authentication),
    ] {
        let flow = FlowRequest::new(slug.into(), slug.into(), slug.into(), designation);
        flows.push(flows_api::flows_instances_create(&admin, flow).await.unwrap().pk);
    }
    let key = |value: serde_json::Value| -> Uuid { value.as_str().unwrap().parse().unwrap() };
    let source = key(fixtures.key("authentik_core.source").await);
    let webauthn = fixtures.key("authentik_stages_authenticator_validate.authenticatorvalidatestage").await;
    let request = IdentificationStageRequest {
        name: "whole".into(),
        user_fields: Some(vec![UserFieldsEnum::Username, UserFieldsEnum::Upn, UserFieldsEnum::Email]),
        password_stage: Some(Some(password)),
        captcha_stage: Some(Some(captcha)),
        case_insensitive_matching: Some(false),
        show_matched_user: Some(false),
        enrollment_flow: Some(Some(flows[0])),
        recovery_flow: Some(Some(flows[1])),
        passwordless_flow: Some(Some(flows[2])),
        sources: Some(vec![source]),
        show_source_labels: Some(true),
        pretend_user_exists: Some(false),
        enable_remember_me: Some(true),
        webauthn_stage: Some(Some(key(webauthn))),
    };
    let made = stages_api::stages_identification_create(&admin, request.clone()).await.unwrap();
    let pk = made.pk.to_string();
    let read = stages_api::stages_identification_retrieve(&admin, &pk).await.unwrap();
    assert_eq!(made, read);
    let (sent, shown) = (json!(request), json!(read));
    for (name, value) in sent.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name}");
    }
    assert_eq!(read.component, "ak-stage-identification-form");

    let patch = PatchedIdentificationStageRequest {
        user_fields: Some(vec![UserFieldsEnum::Email]),
        password_stage: Some(None),
        captcha_stage: Some(None),
        ..Default::default()
    };
    let patched = stages_api::stages_identification_partial_update(&admin, &pk, Some(patch)).await.unwrap();
    assert_eq!(patched.user_fields, Some(vec![UserFieldsEnum::Email]));
    assert_eq!((patched.password_stage, patched.captcha_stage), (Some(None), Some(None)));
    assert_eq!(patched.enrollment_flow, Some(Some(flows[0])), "what is not named stays");
    let replaced = stages_api::stages_identification_update(&admin, &pk, request).await.unwrap();
    assert_eq!(replaced.password_stage, Some(Some(password)));

    let list = stages_api::stages_identification_list(
        &admin,
        None,
        Some(false),
        None,
        Some("whole"),
        Some("-name"),
        Some(1),
        Some(10),
        None,
        None,
        None,
        None,
        None,
        None,
        None,
    );
    let list = list.await.unwrap();
    assert!((list.pagination.count - 1.0).abs() < f64::EPSILON);
    assert_eq!(list.results.len(), 1);
    assert_eq!(list.results[0].pk, made.pk);
    let used_by = stages_api::stages_identification_used_by_list(&admin, &pk).await.unwrap();
    assert_eq!(used_by.len(), 1, "its source: {used_by:?}");
    stages_api::stages_identification_destroy(&admin, &pk).await.unwrap();
    let gone = stages_api::stages_identification_retrieve(&admin, &pk).await.unwrap_err();
    assert_eq!(status(gone), 404);
    let stranger = server.client(None);
    let refused = stages_api::stages_identification_retrieve(&stranger, &pk).await.unwrap_err();
    assert_eq!(status(refused), 403);
}

#[tokio::test]
async fn somebody_signs_in_through_the_executor() {
    const FLOW: &str = "default-authentication-flow";
    let server = listening().await;
    let admin = server.client(Some(ADMIN));
    let user = core_api::core_users_create(&admin, UserRequest::new("alice".into(), "Alice".into())).await.unwrap();
    let password = UserPasswordSetRequest::new("correct horse".into());
    core_api::core_users_set_password_create(&admin, user.pk, password).await.unwrap();

    let browser = server.client(None);
    root_api::root_config_retrieve(&browser).await.unwrap();
    core_api::core_brands_current_retrieve(&browser).await.unwrap();
    assert_eq!(status(core_api::core_users_me_retrieve(&browser).await.unwrap_err()), 403);
    let challenge = flows_api::flows_executor_get(&browser, FLOW, "").await.unwrap();
    let ChallengeTypes::AkStageIdentification(challenge) = challenge else { panic!("{challenge:?}") };
    assert!(challenge.user_fields.is_some());
    let answer = IdentificationChallengeResponseRequest { uid_field: Some(Some("alice".into())), ..Default::default() };
    let answer = FlowChallengeResponseRequest::AkStageIdentification(answer);
    let challenge = flows_api::flows_executor_solve(&browser, FLOW, "", Some(answer)).await.unwrap();
    let ChallengeTypes::AkStagePassword(challenge) = challenge else { panic!("{challenge:?}") };
    assert_eq!(challenge.pending_user, "alice");
    let answer = |password: &str| {
        let answer = PasswordChallengeResponseRequest::new(password.into());
        Some(FlowChallengeResponseRequest::AkStagePassword(answer))
    };
    let challenge = flows_api::flows_executor_solve(&browser, FLOW, "", answer("wrong")).await.unwrap();
    let ChallengeTypes::AkStagePassword(challenge) = challenge else { panic!("{challenge:?}") };
    assert_eq!(challenge.response_errors.unwrap()["password"][0].code, "invalid");
    let challenge = flows_api::flows_executor_solve(&browser, FLOW, "", answer("correct horse")).await.unwrap();
    let ChallengeTypes::XakFlowRedirect(challenge) = challenge else { panic!("{challenge:?}") };
    assert_eq!(challenge.to, "/");
    let me = core_api::core_users_me_retrieve(&browser).await.unwrap();
    assert_eq!(me.user.username, "alice");
}
