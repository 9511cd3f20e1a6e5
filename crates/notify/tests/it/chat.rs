//! Slack, Zulip and Telegram: what arrives.

use std::time::Duration;

use buildbook_notify::{Channel, Notifier};

use crate::support::http::{Answer, Http, Request};
use crate::support::{API_KEY, HOOK, NASTY, TOKEN, chats, notifier, patient, slack, telegram, zulip};

/// The text that a service would show.
fn text(channel: Channel, request: &Request) -> String {
    match channel {
        Channel::Zulip => request.form().into_iter().find(|(name, _)| name == "content").unwrap().1,
        _ => request.json()["text"].as_str().unwrap().to_owned(),
    }
}

/// C-N3 and C-N5: quoting that was wrong for backslashes, line ends, `&`, `+` and `%`.
#[test]
fn every_byte_of_a_message_arrives_on_every_service() {
    let server = Http::accepting();
    for notifier in chats(&server.origin(), patient()) {
        for message in NASTY {
            let before = server.requests().len();
            let receipt = notifier.send(message).unwrap();
            assert_eq!((receipt.channel, receipt.parts, receipt.cut), (notifier.channel(), 1, 0));
            let requests = server.requests();
            assert_eq!(requests.len(), before + 1);
            assert_eq!(text(notifier.channel(), requests.last().unwrap()), *message);
        }
    }
}

/// C-N1: the original ran this, and reported success.
#[test]
fn a_shell_command_in_a_message_is_only_text() {
    let folder = tempfile::tempdir().unwrap();
    let marker = folder.path().join("marker");
    let server = Http::accepting();
    for quote in ["'", "\"", "`", ""] {
        let message = format!("{quote}; touch {}; : {quote}$(touch {0})", marker.display());
        for notifier in chats(&server.origin(), patient()) {
            notifier.send(&message).unwrap();
            assert_eq!(text(notifier.channel(), server.requests().last().unwrap()), message);
            assert!(!marker.exists());
        }
    }
}

/// C-N2: the original handed each of these to a program it started.
#[test]
fn no_process_has_a_secret_in_its_arguments() {
    let server = Http::with(|_, _| {
        // Looked at while the request is under way.
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(arguments) = std::fs::read(entry.path().join("cmdline")) else { continue };
            let arguments = String::from_utf8_lossy(&arguments);
            for secret in [TOKEN, API_KEY, HOOK] {
                assert!(!arguments.contains(secret), "{secret} is in {arguments}");
            }
        }
        Answer::new(200, "ok")
    });
    for notifier in chats(&server.origin(), patient()) {
        notifier.send("hello").unwrap();
    }
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn slack_gets_json_at_the_webhook() {
    let server = Http::accepting();
    slack(&server.origin(), patient()).send("hello").unwrap();
    let request = server.requests().remove(0);
    assert_eq!(request.method, tiny_http::Method::Post);
    assert_eq!(request.url, format!("/{HOOK}"));
    assert!(request.header("content-type").unwrap().starts_with("application/json"));
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.json(), serde_json::json!({ "text": "hello" }));
}

/// C-N8: these were shell syntax in the original's command.
#[test]
fn a_webhook_address_with_special_characters_is_used_as_it_is() {
    let server = Http::accepting();
    let path = "/hook/a;b/$(c)?x=1&y='2';z=%20";
    let url = format!("{}{path}", server.origin());
    notifier(Channel::Slack, patient(), &[("SLACK_WEBHOOK_URL", &url)]).send("hello").unwrap();
    assert_eq!(server.requests()[0].url, path);
}

#[test]
fn zulip_gets_a_form_and_basic_authentication() {
    let server = Http::accepting();
    // A slash at the end of the server's address does no harm.
    zulip(&format!("{}/", server.origin()), patient()).send("hello").unwrap();
    let request = server.requests().remove(0);
    assert_eq!(request.url, "/api/v1/messages");
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(
        request.header("authorization"),
        Some("Basic Ym90QGV4YW1wbGUub3JnOnp1bGlwLWFwaS1rZXktOWY4ZTdk")
    );
    let expected =
        [("type", "stream"), ("to", "build farm & friends+1"), ("topic", "buildbook"), ("content", "hello")];
    assert_eq!(request.form(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn telegram_gets_json_at_the_address_of_the_bot() {
    let server = Http::answering(vec![Answer::new(200, r#"{"ok":true,"result":{}}"#)]);
    telegram(&format!("{}/base/", server.origin()), patient()).send("hello").unwrap();
    let request = server.requests().remove(0);
    assert_eq!(request.url, format!("/base/bot{TOKEN}/sendMessage"));
    assert_eq!(request.json(), serde_json::json!({ "chat_id": "-100123", "text": "hello" }));
}

/// C-N10: the topic was fixed.
#[test]
fn the_topic_is_a_setting() {
    let server = Http::accepting();
    let values = [
        ("ZULIP_SERVER", server.origin()),
        ("ZULIP_BOT_EMAIL", "bot@example.org".to_owned()),
        ("ZULIP_BOT_API_KEY", API_KEY.to_owned()),
        ("ZULIP_STREAM", "farm".to_owned()),
        ("ZULIP_TOPIC", "na\u{ef}ve & sons".to_owned()),
    ];
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    notifier(Channel::Zulip, patient(), &values).send("hello").unwrap();
    assert!(server.requests()[0].form().contains(&("topic".to_owned(), "na\u{ef}ve & sons".to_owned())));
}

/// The length of a text as the service counts it, at most.
fn length(channel: Channel, text: &str) -> (usize, usize) {
    match channel {
        Channel::Zulip => (text.len(), 10_000),
        Channel::Telegram => (text.encode_utf16().count(), 4_096),
        _ => (text.encode_utf16().count(), 40_000),
    }
}

/// The message put together again from its parts, without their numbers and the mark of the cut.
fn joined(texts: &[String], cut: usize) -> String {
    let mark = format!("\n[cut: {cut} more bytes]");
    let part = |(index, text): (usize, &String)| {
        let number = format!("[{}/{}]\n", index + 1, texts.len());
        let text = text.strip_prefix(&number).unwrap();
        if cut > 0 && index + 1 == texts.len() { text.strip_suffix(&mark).unwrap() } else { text }.to_owned()
    };
    texts.iter().enumerate().map(part).collect()
}

/// C-N6: the original had no limit, and the service refused.
#[test]
fn a_message_that_is_too_long_is_split_and_none_of_it_is_lost() {
    let server = Http::accepting();
    for notifier in chats(&server.origin(), patient()) {
        let (_, limit) = length(notifier.channel(), "");
        let line = "0123456789 \u{e4} \u{1f600}\r\n";
        let message = line.repeat(limit * 3 / line.len());
        let before = server.requests().len();
        let receipt = notifier.send(&message).unwrap();
        let texts: Vec<String> =
            server.requests()[before..].iter().map(|request| text(notifier.channel(), request)).collect();
        assert!(receipt.parts > 1 && receipt.parts == texts.len() && receipt.cut == 0);
        assert_eq!(receipt.attempts as usize, receipt.parts);
        for text in &texts {
            assert!(length(notifier.channel(), text).0 <= limit);
            assert!(text.ends_with("\r\n"), "a part ends in the middle of a line");
        }
        assert_eq!(joined(&texts, 0), message);
    }
}

#[test]
fn what_is_beyond_all_parts_is_cut_and_counted() {
    let server = Http::accepting();
    let message = "x".repeat(1 << 20);
    for notifier in chats(&server.origin(), patient()) {
        let before = server.requests().len();
        let receipt = notifier.send(&message).unwrap();
        let texts: Vec<String> =
            server.requests()[before..].iter().map(|request| text(notifier.channel(), request)).collect();
        assert_eq!((receipt.parts, texts.len()), (5, 5));
        assert!(receipt.cut > 0);
        assert_eq!(joined(&texts, receipt.cut).len() + receipt.cut, message.len());
    }
}

#[test]
fn a_message_of_exactly_the_limit_is_one_part() {
    let server = Http::accepting();
    for notifier in chats(&server.origin(), patient()) {
        let (_, limit) = length(notifier.channel(), "");
        assert_eq!(notifier.send(&"x".repeat(limit)).unwrap().parts, 1);
        assert_eq!(notifier.send(&"x".repeat(limit + 1)).unwrap().parts, 2);
    }
}

#[test]
fn many_threads_can_send_with_one_notifier() {
    let server = Http::accepting();
    let notifier: Notifier = slack(&server.origin(), patient());
    std::thread::scope(|scope| {
        for number in 0..8 {
            let notifier = &notifier;
            scope.spawn(move || notifier.send(&format!("message {number}")).unwrap());
        }
    });
    let mut texts: Vec<String> =
        server.requests().iter().map(|request| text(Channel::Slack, request)).collect();
    texts.sort();
    assert_eq!(texts, (0..8).map(|number| format!("message {number}")).collect::<Vec<_>>());
    assert_eq!(notifier.policy().attempt_timeout, Duration::from_secs(60));
}
