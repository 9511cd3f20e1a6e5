//! TLS with certificates of a private authority.

use buildbook_notify::{Channel, Error, Notifier};

use crate::support::http::Http;
use crate::support::mailbox::Mailbox;
use crate::support::tls::{authority, front};
use crate::support::{PASSWORD, assert_hidden, mail, notifier, patient, shown};

fn webhook(address: &str, ca: Option<&str>) -> Notifier {
    let url = format!("https://{address}/hook");
    let mut values = vec![("SLACK_WEBHOOK_URL", url.as_str())];
    values.extend(ca.map(|path| ("NOTIFY_CA_FILE", path)));
    notifier(Channel::Slack, patient(), &values)
}

#[test]
fn a_message_is_posted_over_tls_to_a_server_of_the_named_authority() {
    let folder = authority();
    let ca = folder.path().join("ca.pem");
    let server = Http::accepting();
    let front = front(&folder, server.address());
    let receipt = webhook(&front.address.to_string(), ca.to_str()).send("hello \u{1f600}").unwrap();
    assert_eq!(receipt.attempts, 1);
    assert_eq!(server.requests()[0].json()["text"], "hello \u{1f600}");
}

#[test]
fn nothing_is_posted_to_a_server_of_an_unknown_authority() {
    let (folder, other) = (authority(), authority());
    let server = Http::accepting();
    let front = front(&folder, server.address());
    let other_ca = other.path().join("ca.pem");
    for ca in [None, other_ca.to_str()] {
        let error = webhook(&front.address.to_string(), ca).send("hello").unwrap_err();
        assert!(matches!(error, Error::Tls { .. }), "{error:?}");
        assert!(!error.is_temporary());
        assert!(shown(&error).contains("certificate"), "{}", shown(&error));
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_certificate_for_another_name_is_not_accepted() {
    let folder = authority();
    let ca = folder.path().join("ca.pem");
    let server = Http::accepting();
    let front = front(&folder, server.address());
    // The certificate is for 127.0.0.1, and the server can be reached by other addresses too.
    let address = format!("127.0.0.2:{}", front.address.port());
    let listener = std::net::TcpListener::bind(&address).unwrap();
    let port = front.address.port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let inside = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (mut a, mut b) = (stream.try_clone().unwrap(), inside.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut a, &mut b));
            std::thread::spawn(move || std::io::copy(&mut &inside, &mut &stream));
        }
    });
    let error = webhook(&address, ca.to_str()).send("hello").unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    assert!(server.requests().is_empty());
}

const LOGIN: [(&str, &str); 2] = [("SMTP_USERNAME", "farm"), ("SMTP_PASSWORD", PASSWORD)];

#[test]
fn mail_is_handed_over_after_starttls_and_log_in() {
    let folder = authority();
    let ca = folder.path().join("ca.pem");
    let mailbox = Mailbox::protected(folder.path(), "farm", PASSWORD);
    for tls in ["required", "opportunistic"] {
        let more = [&LOGIN[..], &[("NOTIFY_CA_FILE", ca.to_str().unwrap()), ("SMTP_TLS", tls)]].concat();
        mail(&mailbox.name(), patient(), &more).send("hello \u{1f600}").unwrap();
        let letter = mailbox.letters().pop().unwrap();
        assert_eq!(letter.text(), "hello \u{1f600}");
        assert_eq!(letter.login, Some(("farm".to_owned(), PASSWORD.to_owned())));
    }
    assert_eq!(mailbox.letters().len(), 2);
}

#[test]
fn mail_is_handed_over_with_tls_from_the_first_byte() {
    let folder = authority();
    let ca = folder.path().join("ca.pem");
    let mailbox = Mailbox::open();
    let front = front(&folder, mailbox.address);
    let more = [("NOTIFY_CA_FILE", ca.to_str().unwrap()), ("SMTP_TLS", "wrapper")];
    mail(&front.address.to_string(), patient(), &more).send("hello").unwrap();
    assert_eq!(mailbox.letters()[0].text(), "hello");
}

/// Distributions set up their mail server with a certificate that nobody signed.
#[test]
fn the_mail_server_of_this_machine_needs_no_trusted_certificate() {
    let folder = authority();
    let mailbox = Mailbox::offering_tls(folder.path());
    let asked_for = [("SMTP_TLS", "opportunistic")];
    let error = mail(&mailbox.name(), patient(), &asked_for).send("hello").unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    mail(&mailbox.name(), patient(), &[]).send("hello").unwrap();
    assert_eq!(mailbox.letters()[0].text(), "hello");
}

#[test]
fn no_password_is_sent_to_a_mail_server_of_an_unknown_authority() {
    let folder = authority();
    let mailbox = Mailbox::protected(folder.path(), "farm", PASSWORD);
    for tls in ["required", "opportunistic"] {
        let more = [&LOGIN[..], &[("SMTP_TLS", tls)]].concat();
        let error = mail(&mailbox.name(), patient(), &more).send("hello").unwrap_err();
        assert!(matches!(error, Error::Tls { .. }), "{error:?}");
        assert_hidden(&error);
    }
    assert_eq!((mailbox.asked(), mailbox.letters().len()), (0, 0));
}

#[test]
fn a_refused_password_is_an_error_that_does_not_show_it() {
    let folder = authority();
    let ca = folder.path().join("ca.pem");
    let mailbox = Mailbox::protected(folder.path(), "farm", "another");
    let more = [&LOGIN[..], &[("NOTIFY_CA_FILE", ca.to_str().unwrap()), ("SMTP_TLS", "required")]].concat();
    let error = mail(&mailbox.name(), patient(), &more).send("hello").unwrap_err();
    // The server repeats the password; the error does not.
    assert!(
        matches!(&error, Error::Refused { status: 535, reply, .. } if reply == "no such credentials: farm ***"),
        "{error:?}"
    );
    assert_hidden(&error);
    assert!(mailbox.letters().is_empty());
}
