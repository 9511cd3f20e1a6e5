//! E-mail when things go wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use buildbook_notify::{Error, Policy};

use crate::support::mailbox::Mailbox;
use crate::support::raw::{Raw, nobody};
use crate::support::{PASSWORD, assert_hidden, hasty, mail, patient, shown};

/// C-N7 and C-N9: the original heard only whether the mail was queued somewhere.
#[test]
fn a_refused_recipient_is_an_error_with_the_server_s_words() {
    let mailbox =
        Mailbox::judging(|_, to| mailin_embedded::Response::custom(550, format!("no such user: {to}")));
    let error = mail(&mailbox.name(), patient(), &[]).send("hello").unwrap_err();
    assert!(
        matches!(&error, Error::Refused { status: 550, reply, .. } if reply == "no such user: ops@example.org")
    );
    assert!(!error.is_temporary());
    assert_eq!((mailbox.asked(), mailbox.letters().len()), (1, 0));
}

/// A server that never answers a farewell, and the lines that it was sent.
fn curt(hello: &'static str, recipient: &'static str) -> (Raw, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&lines);
    let server = Raw::serving(move |stream| {
        let mut answers = stream.try_clone().unwrap();
        let mut say = |answer: &str| drop(answers.write_all(answer.as_bytes()));
        say("220 ready\r\n");
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let word = line.get(..4).unwrap_or(&line).to_owned();
            keep.lock().unwrap().push(line);
            match word.as_str() {
                "EHLO" => say(hello),
                "MAIL" | "." => say("250 ok\r\n"),
                "RCPT" => say(recipient),
                "DATA" => say("354 go on\r\n"),
                "AUTH" => say("334 VXNlcm5hbWU6\r\n"),
                // The name of the user and the password, in base64.
                "ZmFy" => say("334 UGFzc3dvcmQ6\r\n"),
                "c210" => say("535 wrong password\r\n"),
                _ => {}
            }
        }
    });
    (server, lines)
}

/// What was said before the farewell counts, although nobody answers that.
#[test]
fn a_refusal_is_final_though_the_server_is_silent_afterwards() {
    let (server, _) = curt("250 hello\r\n", "550 no such user\r\n");
    let policy = Policy { attempt_timeout: Duration::from_secs(6), ..patient() };
    let error = mail(&server.address.to_string(), policy, &[]).send("hello").unwrap_err();
    assert!(
        matches!(&error, Error::Refused { status: 550, reply, .. } if reply == "no such user"),
        "{error:?}"
    );
    assert!(!error.is_temporary());
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_wrong_password_is_final_though_the_server_is_silent_afterwards() {
    let (server, _) = curt("250-hello\r\n250 AUTH LOGIN\r\n", "250 ok\r\n");
    let policy = Policy { attempt_timeout: Duration::from_secs(6), ..patient() };
    let more = [("SMTP_USERNAME", "farm"), ("SMTP_PASSWORD", PASSWORD)];
    let error = mail(&server.address.to_string(), policy, &more).send("hello").unwrap_err();
    assert!(matches!(error, Error::Refused { status: 535, .. }), "{error:?}");
    assert_hidden(&error);
    assert_eq!(server.connections(), 1);
}

#[test]
fn an_address_beyond_ascii_is_announced_to_a_server_that_takes_it_and_to_no_other() {
    let to = [("EMAIL_TO", "j\u{f6}rg@example.org")];
    let (server, lines) = curt("250-hello\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n", "250 ok\r\n");
    mail(&server.address.to_string(), patient(), &to).send("hello").unwrap();
    let said = lines.lock().unwrap().clone();
    assert!(said.iter().any(|line| line.starts_with("MAIL FROM:<farm@example.org> SMTPUTF8")), "{said:?}");
    assert!(said.contains(&"RCPT TO:<j\u{f6}rg@example.org>".to_owned()), "{said:?}");

    let (server, lines) = curt("250 hello\r\n", "250 ok\r\n");
    let error = mail(&server.address.to_string(), patient(), &to).send("hello").unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
    assert!(shown(&error).contains("SMTPUTF8"));
    let said = lines.lock().unwrap().clone();
    assert!(!said.iter().any(|line| line.starts_with("MAIL")), "{said:?}");
}

#[test]
fn one_refused_recipient_refuses_the_mail_for_all() {
    let mailbox = Mailbox::judging(|_, to| match to {
        "b@example.org" => mailin_embedded::response::NO_MAILBOX,
        _ => mailin_embedded::response::OK,
    });
    let to = [("EMAIL_TO", "a@example.org, b@example.org, c@example.org")];
    let error = mail(&mailbox.name(), patient(), &to).send("hello").unwrap_err();
    assert!(matches!(error, Error::Refused { status: 550, .. }), "{error:?}");
    assert!(mailbox.letters().is_empty());
}

#[test]
fn a_server_that_always_defers_is_an_error_after_the_last_attempt() {
    let mailbox = Mailbox::judging(|_, _| mailin_embedded::response::OUT_OF_SPACE);
    let error =
        mail(&mailbox.name(), Policy { max_attempts: 3, ..patient() }, &[]).send("hello").unwrap_err();
    assert!(matches!(error, Error::ServerTrouble { status: 452, attempts: 3, .. }), "{error:?}");
    assert!(error.is_temporary());
    assert_eq!((mailbox.asked(), mailbox.letters().len()), (3, 0));
}

#[test]
fn a_greeting_that_refuses_is_an_error() {
    let server = Raw::flooding("554 go away\r\n", b"");
    let error = mail(&server.address.to_string(), patient(), &[]).send("hello").unwrap_err();
    assert!(matches!(&error, Error::Refused { status: 554, reply, .. } if reply == "go away"), "{error:?}");
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_mail_server_that_is_not_there_is_an_error_after_the_last_attempt() {
    let error = mail(&nobody().to_string(), patient(), &[]).send("hello").unwrap_err();
    assert!(matches!(error, Error::Unreachable { attempts: 2, .. }), "{error:?}");
    assert!(error.is_temporary());
}

/// C-N6, by mail: without a greeting, and in the middle of the session.
#[test]
fn a_mail_server_that_hangs_is_left_within_the_time_limit() {
    for server in [Raw::hanging(), Raw::flooding("220 ready\r\n", b"")] {
        let policy = Policy { attempt_timeout: Duration::from_millis(300), ..hasty() };
        let before = Instant::now();
        let error = mail(&server.address.to_string(), policy, &[]).send("hello").unwrap_err();
        assert!(matches!(error, Error::TimedOut { attempts: 2, .. }), "{error:?}");
        assert!(error.is_temporary());
        let took = before.elapsed();
        assert!(took >= Duration::from_millis(500) && took < Duration::from_secs(8), "{took:?}");
    }
}

#[test]
fn a_mail_server_that_drips_is_left_within_the_time_limit() {
    let server = Raw::dripping("220-", b'x');
    let policy = Policy { attempt_timeout: Duration::from_millis(300), ..hasty() };
    let before = Instant::now();
    let error = mail(&server.address.to_string(), policy, &[]).send("hello").unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    assert!(before.elapsed() < Duration::from_secs(8));
}

#[test]
fn a_mail_server_that_closes_at_once_is_an_error() {
    let server = Raw::refusing();
    let error = mail(&server.address.to_string(), patient(), &[]).send("hello").unwrap_err();
    assert!(matches!(error, Error::Unreachable { attempts: 2, .. }), "{error:?}");
    assert_eq!(server.connections(), 2);
}

#[test]
fn an_answer_that_is_not_smtp_is_an_error() {
    for reply in ["HTTP/1.1 200 OK\r\n\r\n", "\u{1}\u{2}\r\n\r\n"] {
        let server = Raw::flooding(reply, b"");
        let error = mail(&server.address.to_string(), patient(), &[]).send("hello").unwrap_err();
        assert!(matches!(error, Error::BadReply { .. }), "{error:?}");
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn a_policy_without_limits_delivers_mail_and_does_not_panic() {
    let mailbox = Mailbox::open();
    let policy = Policy {
        connect_timeout: Duration::MAX,
        attempt_timeout: Duration::MAX,
        max_wait: Duration::MAX,
        budget: Duration::MAX,
        ..hasty()
    };
    mail(&mailbox.name(), policy, &[]).send("hello").unwrap();
    assert_eq!(mailbox.letters().len(), 1);
}

#[test]
fn an_answer_without_end_is_not_read_for_ever() {
    let line = format!("{}\r\n220-", "x".repeat(900));
    let server = Raw::flooding("220-", line.leak().as_bytes());
    let error = mail(&server.address.to_string(), patient(), &[]).send("hello").unwrap_err();
    assert!(matches!(error, Error::BadReply { .. }), "{error:?}");
}

#[test]
fn a_line_without_end_is_not_waited_for() {
    let server = Raw::serving(|mut stream| {
        let _ = stream.write_all(&[b'2'; 1 << 20]);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let before = Instant::now();
    let error = mail(&server.address.to_string(), hasty(), &[]).send("hello").unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    assert!(before.elapsed() < Duration::from_secs(8));
}

#[test]
fn no_mail_is_sent_where_tls_is_required_and_not_offered() {
    let mailbox = Mailbox::open();
    let more = [("SMTP_TLS", "required"), ("SMTP_USERNAME", "farm"), ("SMTP_PASSWORD", PASSWORD)];
    let error = mail(&mailbox.name(), patient(), &more).send("hello").unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    assert_hidden(&error);
    assert_eq!((mailbox.asked(), mailbox.letters().len()), (0, 0));
}

#[test]
fn plain_smtp_where_tls_is_expected_is_an_error() {
    let mailbox = Mailbox::open();
    let error = mail(&mailbox.name(), patient(), &[("SMTP_TLS", "wrapper")]).send("hello").unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    assert!(mailbox.letters().is_empty());
}

#[test]
fn a_log_in_that_the_server_does_not_offer_is_an_error() {
    let mailbox = Mailbox::open();
    let more = [("SMTP_USERNAME", "farm"), ("SMTP_PASSWORD", PASSWORD)];
    let error = mail(&mailbox.name(), patient(), &more).send("hello").unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
    assert_hidden(&error);
    assert!(mailbox.letters().is_empty());
}
