//! Tests of the mails in which invitations are sent.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::email::tests::{Post, unfold};

/// A server with an invitation to a flow; where its mails are asked for.
async fn arrange(more: Value) -> (Post, Value, String) {
    let mut post = Post::start_sending().await;
    let flow = json!({"name": "Enrol", "slug": "enrol", "title": "Enrol", "designation": "enrollment"});
    let flow = post.app.create("authentik_flows.flow", flow).await;
    let mut body = json!({"name": "welcome", "flow": flow["pk"]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let invitation = post.admin.post("/api/v3/stages/invitation/invitations/", body).await.expect(201);
    let path = format!("/api/v3/stages/invitation/invitations/{}/send_email/", invitation["pk"].as_str().unwrap());
    (post, invitation, path)
}

#[tokio::test]
async fn everybody_gets_a_mail_of_their_own() {
    let (mut post, invitation, path) = arrange(json!({"expires": "2026-11-25T00:00:00Z"})).await;
    let body = json!({
        "email_addresses": ["ann@example.com", "ben@example.com"], "cc_addresses": ["cc@example.com"],
        "bcc_addresses": ["bcc@example.com"], "template": "invitation",
    });
    post.admin.post(&path, body).await.expect(204);
    post.work().await;
    let heard = post.server.heard();
    for (address, times) in [("ann", 1), ("ben", 1), ("cc", 2), ("bcc", 2)] {
        let told = format!("RCPT TO:<{address}@example.com>");
        assert_eq!(heard.iter().filter(|line| **line == told).count(), times, "{address}: {heard:?}");
    }
    let messages: Vec<String> = post.server.messages().iter().map(|message| unfold(message)).collect();
    assert_eq!(messages.len(), 2);
    let link = format!("https://id.example/if/flow/enrol/?itoken={}", invitation["pk"].as_str().unwrap());
    for message in &messages {
        assert!(message.contains(&link) && message.contains("2026-11-25 00:00 UTC"), "{message}");
        assert!(message.contains("Subject: You have been invited to id.example"), "{message}");
        assert!(message.contains("Cc: cc@example.com") && !message.contains("bcc@example.com"), "{message}");
    }
    assert!(messages.iter().any(|one| one.contains("To: ann@example.com") && !one.contains("ben@")));
    // Events tell of it, never what the mails say.
    let sql = "SELECT context FROM events WHERE action = 'email_sent'";
    let events = post.app.store().database().query(sql, vec![]).await.unwrap();
    let told = events.iter().map(|event| event.text("context").unwrap()).collect::<Vec<_>>();
    assert!(told.len() == 2 && !told.iter().any(|text| text.contains("itoken")), "{told:?}");
}

#[tokio::test]
async fn ghsa_2wmj_46rj_qm2w_a_link_leads_to_this_server_whatever_host_was_asked() {
    let (mut post, _, path) = arrange(json!({})).await;
    let mut admin = post.admin.clone().with_host("evil.example").with_header("x-forwarded-host", "evil.example");
    admin.post(&path, json!({"email_addresses": ["ann@example.com"]})).await.expect(204);
    post.work().await;
    let message = unfold(post.server.messages().last().unwrap());
    assert!(message.contains("https://id.example/if/flow/enrol/?itoken=") && !message.contains("evil"), "{message}");
    // What cannot be sent is said at once.
    let wrong = [
        json!({}),
        json!({"email_addresses": []}),
        json!({"email_addresses": ["nothing"]}),
        json!({"email_addresses": [1]}),
        json!({"email_addresses": ["a@example.com\r\nBcc: b@example.com"]}),
        json!({"email_addresses": vec!["a@example.com"; 101]}),
        json!({"email_addresses": ["a@example.com"], "bcc_addresses": ["nothing"]}),
        json!({"email_addresses": ["a@example.com"], "template": "email/none.html"}),
    ];
    for body in wrong {
        let answer = post.admin.post(&path, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
    }
}

#[tokio::test]
async fn only_a_good_invitation_is_sent_by_who_may() {
    let (mut post, _, path) = arrange(json!({"expires": "2026-11-23T13:00:00Z"})).await;
    let body = json!({"email_addresses": ["ann@example.com"]});
    let clerk = post.app.user("clerk", "", json!({})).await;
    post.app.grants.grant(clerk, &["authentik_stages_invitation.view_invitation"]).await;
    post.app.token_of(clerk).await.post(&path, body.clone()).await.expect(403);
    // One that ends before its mail is sent is not sent.
    post.admin.post(&path, body.clone()).await.expect(204);
    post.app.clock.advance(TimeDelta::hours(1));
    post.work().await;
    assert_eq!(post.server.messages(), [""; 0]);
    assert!(post.log().await.contains("has expired"));
    let refused = post.admin.post(&path, body.clone()).await.expect(400);
    assert_eq!(refused["expires"], json!(["The invitation has expired."]));
    let free = post.admin.post("/api/v3/stages/invitation/invitations/", json!({"name": "free"})).await.expect(201);
    let path = format!("/api/v3/stages/invitation/invitations/{}/send_email/", free["pk"].as_str().unwrap());
    let refused = post.admin.post(&path, body).await.expect(400);
    assert_eq!(refused["flow"], json!(["Invitation has no associated flow"]));
}
