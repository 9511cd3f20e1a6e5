//! What would be sent: the same bytes that are sent, without secrets, for any text.

use buildbook_notify::Notifier;
use proptest::prelude::*;

use crate::support::http::{Http, parse_form};
use crate::support::mailbox::decode_body;
use crate::support::{API_KEY, HOOK, NASTY, TOKEN, chats, hasty, mail, patient, slack, telegram, zulip};

const NOWHERE: &str = "https://example.invalid";

fn body(notifier: &Notifier, message: &str) -> String {
    let payloads = notifier.payloads(message).unwrap();
    assert_eq!(payloads.len(), 1);
    payloads[0].body.clone()
}

#[test]
fn a_payload_is_what_is_sent_and_shows_no_secret() {
    let server = Http::accepting();
    for notifier in chats(&server.origin(), patient()) {
        for message in NASTY.iter().map(|text| (*text).to_owned()).chain(["y\n".repeat(50_000)]) {
            let before = server.requests().len();
            let payloads = notifier.payloads(&message).unwrap();
            assert_eq!(server.requests().len(), before, "something was sent");
            notifier.send(&message).unwrap();
            let sent = server.requests().split_off(before);
            assert_eq!(sent.len(), payloads.len());
            for (payload, request) in payloads.iter().zip(&sent) {
                assert_eq!(payload.body.as_bytes(), request.body);
                assert_eq!(Some(payload.content_type), request.header("content-type"));
                assert_eq!(payload.channel, notifier.channel());
                let shown = format!("{payload:?} {}", serde_json::to_string(payload).unwrap());
                for secret in [TOKEN, API_KEY, HOOK, "slack-hook-key", "AAE-token"] {
                    assert!(!shown.contains(secret));
                }
            }
        }
    }
}

#[test]
fn a_payload_names_its_target_without_the_secret_part() {
    let target = |notifier: Notifier| notifier.payloads("x").unwrap().remove(0).target;
    assert_eq!(target(slack(NOWHERE, hasty())), "POST https://example.invalid/***");
    assert_eq!(target(zulip(NOWHERE, hasty())), "POST https://example.invalid/api/v1/messages");
    assert_eq!(target(telegram(NOWHERE, hasty())), "POST https://example.invalid/bot***/sendMessage");
}

proptest! {
    /// The oracles are other implementations: a JSON parser, a form decoder, a base64 decoder.
    #[test]
    fn any_text_survives_the_way_into_a_payload(text in "\\PC*|[\\x00-\\xff]{1,80}|.{1,80}") {
        prop_assume!(!text.trim().is_empty());
        let json: serde_json::Value = serde_json::from_str(&body(&slack(NOWHERE, hasty()), &text)).unwrap();
        prop_assert_eq!(json, serde_json::json!({ "text": text }));

        let json: serde_json::Value = serde_json::from_str(&body(&telegram(NOWHERE, hasty()), &text)).unwrap();
        prop_assert_eq!(json, serde_json::json!({ "chat_id": "-100123", "text": text }));

        let form = parse_form(&body(&zulip(NOWHERE, hasty()), &text));
        prop_assert_eq!(form.len(), 4);
        prop_assert_eq!(&form[1], &("to".to_owned(), "build farm & friends+1".to_owned()));
        prop_assert_eq!(&form[3], &("content".to_owned(), text.clone()));

        let mail = body(&mail("localhost", hasty(), &[]), &text);
        prop_assert!(mail.is_ascii());
        prop_assert_eq!(decode_body(mail.as_bytes()), text.as_bytes());
    }
}
