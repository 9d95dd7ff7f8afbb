//! Telegram, webhooks and mail, against servers that the tests start.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

#[path = "support/mail_server.rs"]
mod mail_server;
mod support;
#[path = "support/web.rs"]
mod web;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mail_server::MailServer;
use marabet_notify::commands::{self, Answers, Command};
use marabet_notify::email::{Mail, MailOptions, MailTls};
use marabet_notify::secret::Secret;
use marabet_notify::telegram::{Bot, BotOptions};
use marabet_notify::voice::Voice;
use marabet_notify::webhook::{Webhook, WebhookForm, signature};
use marabet_notify::{Announcement, Channel, Message, Picture, SendError};
use marabet_streams::ShutdownTrigger;
use serde_json::json;
use support::{grant, key};
use web::{Reply, Request, Web};

const TOKEN: &str = "123456:s3cret";

fn bot(web: &Web) -> Bot {
    let options = BotOptions { url: web.url.clone(), overall_a_second: 1_000, chat_a_second: 500 };
    Bot::new(Secret::new(TOKEN), options)
}

fn alert() -> Message {
    Announcement::new(&key(), &grant(), false).message(&Voice::default())
}

fn ok(request: &Request) -> Reply {
    let _ = request;
    Reply::Answer(200, json!({ "ok": true, "result": { "message_id": 9 } }).to_string())
}

#[tokio::test]
async fn telegram_gets_the_alert_with_its_buttons_and_a_change_of_it() {
    let web = Web::start(ok).await;
    let chat = bot(&web).chat("me", "-100");
    assert_eq!(chat.post(&alert()).await, Ok(Some("9".to_owned())));
    chat.edit("9", &alert()).await.unwrap();
    let picture = Picture { name: "equity.png".to_owned(), png: b"\x89PNG picture".to_vec() };
    chat.show(&alert(), &picture).await.unwrap();
    let had = web.had();
    let paths: Vec<&str> =
        had.iter().map(|request| request.path.rsplit('/').next().unwrap()).collect();
    assert_eq!(paths, ["sendMessage", "editMessageText", "sendPhoto"]);
    let sent = had[0].json();
    assert_eq!((&sent["chat_id"], sent["text"].as_str()), (&json!("-100"), Some(&*alert().text)));
    let placed = &sent["reply_markup"]["inline_keyboard"][0][0];
    assert_eq!(placed["callback_data"], format!("placed {}", grant().value_bet.bet));
    assert_eq!(had[1].json()["message_id"], 9);
    let photo = String::from_utf8_lossy(&had[2].body).into_owned();
    assert!(photo.contains("PNG picture") && photo.contains("name=\"chat_id\"\r\n\r\n-100"));
}

#[tokio::test]
async fn what_telegram_answers_says_what_to_do_and_never_the_token() {
    let reason = |error: &SendError| format!("{error} {error:?}");
    for (status, body, wait_s, refused, words) in [
        (
            429,
            json!({ "ok": false, "error_code": 429, "description": "Too Many Requests: retry after 15",
            "parameters": { "retry_after": 15 } }),
            Some(15),
            false,
            "429",
        ),
        (
            429,
            json!({ "ok": false, "error_code": 429, "description": "Too Many Requests" }),
            Some(1),
            false,
            "429",
        ),
        (
            502,
            json!({ "ok": false, "error_code": 502, "description": "Bad Gateway" }),
            None,
            false,
            "502",
        ),
        (
            400,
            json!({ "ok": false, "error_code": 400, "description": "Bad Request: chat not found" }),
            None,
            true,
            "chat not found",
        ),
        (
            401,
            json!({ "ok": false, "error_code": 401, "description": format!("Unauthorized {TOKEN}") }),
            None,
            true,
            "refuses the bot's token",
        ),
        (
            403,
            json!({ "ok": false, "error_code": 403, "description": "Forbidden: bot was blocked" }),
            None,
            true,
            "unblock",
        ),
    ] {
        let web = Web::start(move |_| Reply::Answer(status, body.to_string())).await;
        let error = bot(&web).chat("me", "1").post(&alert()).await.unwrap_err();
        match &error {
            SendError::Refused(_) => assert!(refused, "{error}"),
            SendError::Away { wait, .. } => {
                assert_eq!((*wait, refused), (wait_s.map(Duration::from_secs), false), "{error}");
            }
            SendError::Unclear(_) => panic!("{error}"),
        }
        assert!(error.to_string().contains(words), "{error}");
        assert!(!reason(&error).contains("s3cret"), "{error}");
    }
    let web = Web::start(|_| Reply::Reset).await;
    let reset = bot(&web).chat("me", "1").post(&alert()).await.unwrap_err();
    assert!(matches!(reset, SendError::Unclear(_)), "{reset}");
    let gone = Bot::new(
        Secret::new(TOKEN),
        BotOptions { url: "http://127.0.0.1:1".to_owned(), ..BotOptions::default() },
    );
    let away = gone.chat("me", "1").post(&alert()).await.unwrap_err();
    assert!(matches!(away, SendError::Away { .. }), "{away}");
    assert!(!format!("{} {}", reason(&reset), reason(&away)).contains("s3cret"));
}

#[tokio::test]
async fn webhooks_get_their_forms_signed_and_never_show_their_url() {
    let web = Web::start(|request| match &*request.path {
        "/gone/s3cret" => Reply::Answer(404, "no such hook s3cret".to_owned()),
        "/full" => Reply::Answer(503, String::new()),
        _ => Reply::Answer(204, String::new()),
    })
    .await;
    let hook = |path: &str, form, key: Option<&str>| {
        let url = Secret::new(&format!("{}{path}", web.url));
        Webhook::new("hook", url, form, key.map(Secret::new))
    };
    hook("/own", WebhookForm::Json, Some("k")).send(&alert()).await.unwrap();
    hook("/slack", WebhookForm::Slack, None).send(&alert()).await.unwrap();
    hook("/discord", WebhookForm::Discord, None).send(&alert()).await.unwrap();
    let had = web.had();
    assert_eq!(had[0].body, alert().json.as_bytes());
    let signed = signature(&Secret::new("k"), &had[0].body);
    assert!(had[0].head.contains(&format!("x-marabet-signature: {signed}")));
    assert!(had[0].head.contains("x-marabet-key: bet:"));
    assert_eq!(had[1].json()["text"], alert().text);
    assert_eq!(had[2].json()["content"], alert().text);
    let refused = hook("/gone/s3cret", WebhookForm::Json, None).send(&alert()).await.unwrap_err();
    assert!(matches!(refused, SendError::Refused(_)), "{refused}");
    let away = hook("/full", WebhookForm::Json, None).send(&alert()).await.unwrap_err();
    assert!(matches!(away, SendError::Away { .. }), "{away}");
}

struct Says(Mutex<Vec<Command>>);

#[async_trait::async_trait]
impl Answers for Says {
    async fn answer(&self, _: &str, command: &Command) -> String {
        self.0.lock().unwrap().push(command.clone());
        "noted".to_owned()
    }
}

#[tokio::test]
async fn commands_are_answered_in_known_chats_alone_and_each_once() {
    let bet = grant().value_bet.bet;
    let updates = json!([
        { "update_id": 1, "message": { "chat": { "id": 5 }, "text": "/status" } },
        { "update_id": 2, "message": { "chat": { "id": 666 }, "text": "/bets" } },
        { "update_id": 3, "callback_query": { "id": "q", "data": format!("placed {bet}"),
            "message": { "chat": { "id": 5 } } } },
    ]);
    let web = Web::start(move |request| match request.path.rsplit('/').next() {
        Some("getUpdates") if request.json()["offset"].is_null() => {
            Reply::Answer(200, json!({ "ok": true, "result": updates }).to_string())
        }
        Some("getUpdates") => Reply::Hang,
        _ => ok(request),
    })
    .await;
    let (trigger, shutdown) = ShutdownTrigger::new();
    let says = Arc::new(Says(Mutex::default()));
    let answers: Arc<dyn Answers> = says.clone();
    let bot = bot(&web);
    let serving = tokio::spawn(async move {
        commands::serve(&bot, &BTreeSet::from(["5".to_owned()]), &answers, shutdown).await;
    });
    for _ in 0..500 {
        if web.had().len() == 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    trigger.ask();
    serving.await.unwrap();
    assert_eq!(*says.0.lock().unwrap(), [Command::Status, Command::Placed(bet)]);
    let had = web.had();
    let paths: Vec<&str> = had.iter().map(|one| one.path.rsplit('/').next().unwrap()).collect();
    assert_eq!(paths, ["getUpdates", "sendMessage", "answerCallbackQuery", "getUpdates"]);
    assert_eq!(had[3].json()["offset"], 4);
}

fn options(server: &MailServer, to: &str) -> MailOptions {
    MailOptions {
        host: "localhost".to_owned(),
        port: server.port,
        tls: MailTls::Starttls,
        certificate: Some(std::fs::read(server.certificate()).unwrap()),
        login: Some(("bettor".to_owned(), Secret::new("s3cret"))),
        from: "MaraBet <bets@example.org>".to_owned(),
        to: vec![to.to_owned()],
    }
}

#[tokio::test]
async fn a_mail_goes_over_tls_with_a_login_and_carries_the_picture() {
    let server = MailServer::start();
    let mail = Mail::new("mail", &options(&server, "me@example.org")).unwrap();
    mail.send(&alert()).await.unwrap();
    let got = &server.mails()[0];
    assert!(got.contains("Subject: Arsenal v Chelsea: Arsenal to win at 2.15, bet365"), "{got}");
    assert!(got.contains("stake 23.40 EUR") && got.contains("To: me@example.org"), "{got}");
    let picture = Picture { name: "equity.png".to_owned(), png: b"\x89PNG".to_vec() };
    mail.show(&alert(), &picture).await.unwrap();
    let got = &server.mails()[1];
    assert!(got.contains("image/png") && got.contains("equity.png"), "{got}");

    for (to, password, refused) in [
        ("nobody@example.org", "s3cret", true),
        ("later@example.org", "s3cret", false),
        ("me@example.org", "wr0ng", true),
    ] {
        let login = Some(("bettor".to_owned(), Secret::new(password)));
        let options = MailOptions { login, ..options(&server, to) };
        let error = Mail::new("mail", &options).unwrap().send(&alert()).await.unwrap_err();
        assert_eq!(matches!(error, SendError::Refused(_)), refused, "{to}: {error}");
        let shown = format!("{error} {options:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("wr0ng"), "{shown}");
    }
    let unknown = MailOptions { certificate: None, ..options(&server, "me@example.org") };
    let error = Mail::new("mail", &unknown).unwrap().send(&alert()).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    let wrong = MailOptions { from: "no address".to_owned(), ..options(&server, "me@example.org") };
    assert!(Mail::new("mail", &wrong).err().unwrap().to_string().contains("no address"));
}
