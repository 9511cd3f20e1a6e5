//! Slack, Zulip and Telegram when things go wrong.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use buildbook_notify::{Error, Policy};

use crate::support::http::{Answer, Http};
use crate::support::raw::{Raw, nobody};
use crate::support::{API_KEY, HOOK, TOKEN, assert_hidden, chats, hasty, patient, slack, telegram, zulip};

/// C-N6: a second attempt, and not before the server allows it.
#[test]
fn a_wait_that_the_server_asks_for_in_a_header_is_obeyed() {
    let busy = Answer::new(429, "slow down").with("Retry-After", "1");
    let server = Http::answering(vec![busy, Answer::new(200, "ok")]);
    let receipt = slack(&server.origin(), patient()).send("hello").unwrap();
    assert_eq!((receipt.parts, receipt.attempts), (1, 2));
    let requests = server.requests();
    assert!(requests[1].at - requests[0].at >= Duration::from_secs(1));
    assert_eq!(requests[0].body, requests[1].body);
}

#[test]
fn a_wait_that_the_service_asks_for_in_its_answer_is_obeyed() {
    let telegram_busy =
        r#"{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":1}}"#;
    let server = Http::answering(vec![Answer::new(429, telegram_busy), Answer::new(200, r#"{"ok":true}"#)]);
    assert_eq!(telegram(&server.origin(), patient()).send("hello").unwrap().attempts, 2);
    let requests = server.requests();
    assert!(requests[1].at - requests[0].at >= Duration::from_secs(1));

    let zulip_busy = r#"{"result":"error","code":"RATE_LIMIT_HIT","msg":"too many","retry-after":0.75}"#;
    let server =
        Http::answering(vec![Answer::new(429, zulip_busy), Answer::new(200, r#"{"result":"success"}"#)]);
    assert_eq!(zulip(&server.origin(), patient()).send("hello").unwrap().attempts, 2);
    let requests = server.requests();
    assert!(requests[1].at - requests[0].at >= Duration::from_millis(750));
}

#[test]
fn a_wait_that_is_too_long_ends_the_delivery_instead_of_sleeping() {
    let server = Http::answering(vec![Answer::new(429, "").with("Retry-After", "86400")]);
    for notifier in chats(&server.origin(), patient()) {
        let before = Instant::now();
        let error = notifier.send("hello").unwrap_err();
        assert!(matches!(
            error,
            Error::RateLimited { retry_after: Some(asked), attempts: 1, .. } if asked == Duration::from_secs(86400)
        ));
        assert!(error.is_temporary());
        assert!(before.elapsed() < Duration::from_secs(60));
    }
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_limit_without_a_wait_is_tried_again_after_the_back_off() {
    let server = Http::answering(vec![Answer::new(429, "")]);
    let error = slack(&server.origin(), Policy { max_attempts: 3, ..patient() }).send("hello").unwrap_err();
    assert!(matches!(error, Error::RateLimited { retry_after: None, attempts: 3, .. }));
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn trouble_of_the_server_is_tried_again() {
    for status in [408, 500, 502, 503, 504, 599] {
        let server = Http::answering(vec![Answer::new(status, "out of order"), Answer::new(200, "ok")]);
        assert_eq!(slack(&server.origin(), patient()).send("hello").unwrap().attempts, 2);
        assert_eq!(server.requests().len(), 2);
    }
}

#[test]
fn trouble_that_lasts_is_an_error_after_the_last_attempt() {
    let server = Http::answering(vec![Answer::new(503, "out of order")]);
    let error = slack(&server.origin(), Policy { max_attempts: 3, ..patient() }).send("hello").unwrap_err();
    assert!(
        matches!(&error, Error::ServerTrouble { status: 503, attempts: 3, reply, .. } if reply == "out of order")
    );
    assert!(error.is_temporary());
    assert_eq!(server.requests().len(), 3);
}

/// C-N9: the original returned 1 and threw the server's words away.
#[test]
fn a_refusal_is_not_tried_again_and_carries_the_server_s_words() {
    for status in [400, 401, 403, 404, 410, 413] {
        let answers = [
            ("no_such_hook", "no_such_hook"),
            (r#"{"result":"error","msg":"Stream 'x' does not exist"}"#, "Stream 'x' does not exist"),
            (r#"{"ok":false,"description":"Bad Request: chat not found"}"#, "Bad Request: chat not found"),
        ];
        for (body, words) in answers {
            let server = Http::answering(vec![Answer::new(status, body)]);
            for notifier in chats(&server.origin(), patient()) {
                let error = notifier.send("hello").unwrap_err();
                assert!(
                    matches!(&error, Error::Refused { status: s, reply, .. } if *s == status && reply == words)
                );
                assert!(error.to_string().contains(words) && error.to_string().contains(&status.to_string()));
                assert!(!error.is_temporary() && !error.is_configuration());
            }
            assert_eq!(server.requests().len(), 3);
        }
    }
}

#[test]
fn a_refusal_inside_a_good_status_is_a_refusal() {
    let server = Http::answering(vec![
        Answer::new(200, r#"{"ok":false,"error_code":400,"description":"chat not found"}"#),
        Answer::new(200, r#"{"result":"error","msg":"Invalid API key"}"#),
    ]);
    let error = telegram(&server.origin(), patient()).send("hello").unwrap_err();
    assert!(matches!(&error, Error::Refused { status: 200, reply, .. } if reply == "chat not found"));
    let error = zulip(&server.origin(), patient()).send("hello").unwrap_err();
    assert!(matches!(&error, Error::Refused { status: 200, reply, .. } if reply == "Invalid API key"));
}

#[test]
fn a_good_status_with_any_other_answer_is_a_delivery() {
    for body in ["", "ok", "<html>", "{}", "[1", r#"{"ok":"maybe"}"#] {
        let server = Http::answering(vec![Answer::new(202, body)]);
        for notifier in chats(&server.origin(), patient()) {
            notifier.send("hello").unwrap();
        }
    }
}

#[test]
fn a_server_that_repeats_the_request_does_not_put_a_secret_into_the_error() {
    for status in [400, 500] {
        let server = Http::with(move |_, request| {
            let headers: String =
                request.headers.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
            let words = format!("got {}\n{headers} and {TOKEN} {API_KEY} {HOOK}", request.url);
            Answer::new(status, &words)
        });
        let each = [
            (slack(&server.origin(), patient()), HOOK),
            (zulip(&server.origin(), patient()), API_KEY),
            (telegram(&server.origin(), patient()), TOKEN),
        ];
        for (notifier, own) in each {
            let text = crate::support::shown(&notifier.send("hello").unwrap_err());
            assert!(text.contains("got ") && text.contains("***"), "{text}");
            assert!(!text.contains(own), "{text}");
            assert!(!text.contains("Ym90QGV4YW1wbGUub3JnO"), "{text}");
        }
    }
}

#[test]
fn a_server_that_is_not_there_is_an_error_after_the_last_attempt() {
    for notifier in chats(&format!("http://{}", nobody()), patient()) {
        let error = notifier.send("hello").unwrap_err();
        assert!(matches!(error, Error::Unreachable { attempts: 2, .. }), "{error:?}");
        assert!(error.is_temporary());
        assert_hidden(&error);
    }
}

/// The name cannot exist (RFC 2606), so that this is the same with and without a network.
#[test]
fn a_name_that_does_not_exist_is_an_error() {
    let error = slack("https://hooks.invalid", hasty()).send("hello").unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. } | Error::TimedOut { .. }), "{error:?}");
    assert_hidden(&error);
}

/// C-N6: this blocked a run for ever.
#[test]
fn a_server_that_hangs_is_left_within_the_time_limit() {
    let server = Raw::hanging();
    let policy = Policy { attempt_timeout: Duration::from_millis(300), ..hasty() };
    for notifier in chats(&server.origin(), policy) {
        let before = Instant::now();
        let error = notifier.send("hello").unwrap_err();
        assert!(matches!(error, Error::TimedOut { attempts: 2, .. }), "{error:?}");
        assert!(error.is_temporary());
        let took = before.elapsed();
        assert!(took >= Duration::from_millis(600) && took < Duration::from_secs(8), "{took:?}");
        assert_hidden(&error);
    }
}

#[test]
fn a_server_that_drips_is_left_within_the_time_limit() {
    let headers = Raw::dripping("HTTP/1.1 200 OK\r\nX-Long: ", b'x');
    let before = Instant::now();
    let error = slack(&headers.origin(), hasty()).send("hello").unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    assert!(before.elapsed() < Duration::from_secs(8));
}

#[test]
fn a_server_that_closes_at_once_is_an_error() {
    let server = Raw::refusing();
    for notifier in chats(&server.origin(), patient()) {
        let error = notifier.send("hello").unwrap_err();
        assert!(matches!(error, Error::Unreachable { attempts: 2, .. }), "{error:?}");
        assert_hidden(&error);
    }
    assert_eq!(server.connections(), 6);
}

#[test]
fn a_body_without_end_is_neither_read_whole_nor_waited_for() {
    // What drips is left when its time is over, which is long enough for the status on any machine. What floods is
    // left long before.
    let dripping = Policy { attempt_timeout: Duration::from_secs(10), ..patient() };
    std::thread::scope(|scope| {
        for status in ["200 OK", "400 Bad"] {
            let reply = format!("HTTP/1.1 {status}\r\nContent-Type: text/plain\r\n\r\n").leak();
            let cases =
                [(Raw::flooding(reply, &[b'x'; 65536]), patient()), (Raw::dripping(reply, b'x'), dripping)];
            for (server, policy) in cases {
                scope.spawn(move || a_body_without_end(&server, policy, status));
            }
        }
    });
}

fn a_body_without_end(server: &Raw, policy: Policy, status: &str) {
    let before = Instant::now();
    let result = slack(&server.origin(), policy).send("hello");
    assert!(before.elapsed() < Duration::from_secs(50));
    // The status was there; the message must not be sent again because of the rest.
    assert_eq!(server.connections(), 1);
    match result {
        Ok(receipt) => assert_eq!((status, receipt.attempts), ("200 OK", 1)),
        Err(Error::Refused { status: 400, reply, .. }) => {
            assert_eq!(status, "400 Bad");
            assert!(reply.len() < 1000);
        }
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn an_answer_that_is_not_http_is_an_error() {
    let server = Raw::flooding("220 mail.example.org ESMTP\r\n", b"");
    for notifier in chats(&server.origin(), patient()) {
        let error = notifier.send("hello").unwrap_err();
        assert!(matches!(error, Error::BadReply { .. }), "{error:?}");
        assert_hidden(&error);
    }
    assert_eq!(server.connections(), 3);
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Http::accepting();
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/elsewhere", elsewhere.origin());
        let server = Http::answering(vec![Answer::new(status, "moved").with("Location", &location)]);
        for notifier in chats(&server.origin(), patient()) {
            let error = notifier.send("hello").unwrap_err();
            assert!(matches!(&error, Error::Refused { status: s, .. } if *s == status), "{error:?}");
            assert_hidden(&error);
        }
        assert_eq!(server.requests().len(), 3);
    }
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn plain_http_where_tls_is_expected_is_an_error_and_is_sent_no_secret() {
    let received = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&received);
    let server = Raw::serving(move |mut stream| {
        // Locked before the answer, so that whoever has the answer waits for what was received.
        let mut keep = keep.lock().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        let _ = stream.read_to_end(&mut keep);
    });
    for notifier in chats(&format!("https://{}", server.address), patient()) {
        let error = notifier.send("hello").unwrap_err();
        assert!(matches!(error, Error::Tls { .. }), "{error:?}");
        assert_hidden(&error);
    }
    assert_eq!(server.connections(), 3);
    let received = String::from_utf8_lossy(&received.lock().unwrap()).into_owned();
    assert!(!received.is_empty());
    for secret in [TOKEN, API_KEY, HOOK, "hello"] {
        assert!(!received.contains(secret));
    }
}

#[test]
fn a_long_message_of_which_only_the_beginning_arrives_says_so() {
    let server = Http::answering(vec![Answer::new(200, "ok"), Answer::new(404, "gone")]);
    let error = slack(&server.origin(), patient()).send(&"x".repeat(100_000)).unwrap_err();
    assert!(matches!(
        &error,
        Error::Partly { delivered: 1, parts: 3, source, .. } if matches!(**source, Error::Refused { status: 404, .. })
    ));
    assert!(!error.is_temporary());
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_policy_without_limits_delivers_and_does_not_panic() {
    let server = Http::accepting();
    let policy = Policy {
        connect_timeout: Duration::MAX,
        attempt_timeout: Duration::MAX,
        max_wait: Duration::MAX,
        budget: Duration::MAX,
        ..hasty()
    };
    for notifier in chats(&server.origin(), policy) {
        assert_eq!(notifier.send("hello").unwrap().attempts, 1);
    }
}

#[test]
fn a_telegram_key_is_hidden_however_its_colon_is_written() {
    let key = TOKEN.split_once(':').unwrap().1;
    let server = Http::answering(vec![Answer::new(404, &format!("no bot 123456%3a{key}, 123456&#58;{key}"))]);
    let error = telegram(&server.origin(), patient()).send("hello").unwrap_err();
    assert!(matches!(&error, Error::Refused { reply, .. } if reply == "no bot 123456%3a***, 123456&#58;***"));
    assert_hidden(&error);
}

#[test]
fn the_budget_bounds_everything_together() {
    let server = Http::answering(vec![Answer::new(503, "")]);
    let policy = Policy {
        max_attempts: u32::MAX,
        first_backoff: Duration::from_millis(50),
        max_wait: Duration::from_millis(100),
        budget: Duration::from_millis(600),
        ..hasty()
    };
    let before = Instant::now();
    let error = slack(&server.origin(), policy).send("hello").unwrap_err();
    // The last attempt is given the rest of the budget, in which a busy machine may not answer.
    assert!(
        matches!(error, Error::ServerTrouble { attempts: 2.., .. } | Error::TimedOut { .. }),
        "{error:?}"
    );
    assert!(before.elapsed() < Duration::from_secs(8));
}
