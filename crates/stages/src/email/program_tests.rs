//! Mails that programs ask for, from the program to the mail server.

use std::sync::Arc;

use serde_json::{Value, json};
use vestibule_expression::{Budget, Program};
use vestibule_expression_host::{Circumstances, DirectoryHost};

use super::tests::{Post, unfold};

impl Post {
    /// What a program comes to, or what it raises.
    async fn program(&self, text: &str, trial: bool) -> Result<Value, String> {
        let circumstances = Circumstances { program: "tells".into(), trial, ..Circumstances::default() };
        let host = DirectoryHost::new(self.app.store().clone(), None).under(Arc::new(circumstances));
        let outcome = Program::parse(text).unwrap().run(Vec::new(), &host, Budget::default()).await;
        outcome.map(|outcome| outcome.value.to_json()).map_err(|error| error.to_string())
    }

    async fn tasks(&self) -> Vec<String> {
        let sql = "SELECT arguments FROM tasks WHERE actor_name = 'authentik.stages.email.tasks.send_mails'";
        let rows = self.app.store().database().query(sql, vec![]).await.unwrap();
        rows.iter().map(|row| row.json("arguments").unwrap().to_string()).collect()
    }
}

#[tokio::test]
async fn a_program_sends_a_text_by_the_servers_own_settings() {
    let post = Post::start_sending().await;
    let text = "return ak_send_email(['a@example.com', 'b@example.com'], 'Wake up', body='The word is swordfish.', \
                cc='c@example.com', bcc='hidden@example.com')";
    assert_eq!(post.program(text, false).await, Ok(json!(true)));
    let [task] = post.tasks().await.try_into().unwrap();
    assert!(!task.contains("swordfish") && !task.contains("a@example.com"), "what it says lies sealed: {task}");
    post.work().await;
    let [message] = post.server.messages().try_into().unwrap();
    for line in ["To: a@example.com, b@example.com", "Cc: c@example.com", "Subject: Wake up", "The word is swordfish."]
    {
        assert!(message.contains(line), "{line}: {message}");
    }
    assert!(!message.contains("hidden"), "{message}");
    let sql = "SELECT context FROM events WHERE action = 'email_sent'";
    let events = post.app.store().database().query(sql, vec![]).await.unwrap();
    assert_eq!(events.len(), 1);
    let context = events[0].json("context").unwrap();
    assert_eq!(context["subject"], "Wake up");
    assert!(!context.to_string().contains("swordfish"), "{context}");
}

#[tokio::test]
async fn a_program_sends_by_a_stage_from_a_template() {
    let mut post = Post::start().await;
    let stage = post.stage(json!({})).await;
    for given in [
        "'mails'".to_owned(),
        "EmailStage.objects.get(name='mails')".to_owned(),
        format!("EmailStage.objects.filter(pk='{}').first()", stage.as_str().unwrap()),
    ] {
        let text = format!(
            "from authentik.stages.email.models import EmailStage\n\
             return ak_send_email('a@example.com', 'Come in', stage={given}, template='email/invitation.html', \
             context={{'url': 'https://id.example/?x=1', 'name': '<b>Al'}})"
        );
        assert_eq!(post.program(&text, false).await, Ok(json!(true)), "{given}");
        post.work().await;
        let message = unfold(&post.server.messages().pop().unwrap());
        assert!(message.contains("From: id@example.com") && message.contains("https://id.example/?x=1"), "{message}");
        assert!(!message.contains("<b>Al</"), "{message}");
    }
    assert_eq!(post.server.messages().len(), 3);
}

#[tokio::test]
async fn mails_that_cannot_be_are_refused_or_not_sent() {
    let post = Post::start_sending().await;
    let many = "return ak_send_email(['a@example.com'] * 101, 'x', body='y')";
    for (text, reason) in [
        ("ak_send_email()", "TypeError: missing required argument: 'subject'"),
        ("ak_send_email('a@b.example', 'x')", "ValueError: either body or template must be given"),
        (
            "ak_send_email('a@b.example', 'x', body='y', template='z')",
            "ValueError: body and template exclude each other",
        ),
        ("ak_send_email(7, 'x', body='y')", "TypeError: 'address' must be an address or a list of addresses"),
        ("ak_send_email('a@b.example', 'x', body=7)", "TypeError: 'body' must be a text"),
        (
            "ak_send_email('a@b.example', 'x', body='y', stage=7)",
            "TypeError: 'stage' must be an EmailStage or the name of one",
        ),
        ("ak_send_email('a@b.example', 'x', body='y', stage='none')", "ValueError: there is no such e-mail stage"),
        ("ak_send_email('a@b.example', 'x', template='y', context=7)", "TypeError: 'context' must be a dictionary"),
        (
            "ak_send_email('a@b.example', 'x' * 901, body='y')",
            "ValueError: a mail has 900 bytes of subject and 262144 in all at most",
        ),
        (
            "ak_send_email('a@b.example', 'x', body='y' * 262144)",
            "ValueError: a mail has 900 bytes of subject and 262144 in all at most",
        ),
        (many, "ValueError: a mail goes to 100 addresses at most"),
        (
            "for n in range(21):\n    ak_send_email('a@b.example', 'x', body='y')",
            "RuntimeError: a program sends 20 mails at most",
        ),
    ] {
        assert_eq!(post.program(text, true).await, Err(reason.to_owned()), "{text}");
    }
    for address in ["'nobody'", "[]", "''", "['a@b.example', 'a b']", "'a@b.example\\nBcc: c@d.example'"] {
        let text = format!("return ak_send_email({address}, 'x', body='y')");
        assert_eq!(post.program(&text, false).await, Ok(json!(false)), "{address}");
    }
    let good = "return ak_send_email('a@b.example', 'x', body='y')";
    assert_eq!(post.program(good, true).await, Ok(json!(true)), "a trial says what would be");
    assert!(post.tasks().await.is_empty(), "and nothing is sent");
    assert_eq!(
        post.program("return ak_send_email('a@b.example', 'x', template='no/such.html')", false).await,
        Ok(json!(true))
    );
    post.work().await;
    assert!(post.server.messages().is_empty());
}
