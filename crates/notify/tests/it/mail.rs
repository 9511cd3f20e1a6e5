//! E-mail: what arrives.

use std::time::{Duration, Instant};

use buildbook_notify::{Channel, Error};

use crate::support::mailbox::Mailbox;
use crate::support::{NASTY, mail, notifier, patient};

/// C-N7: `echo` interpreted backslashes and took `-n` for an option.
#[test]
fn every_byte_of_a_message_arrives_by_mail() {
    let mailbox = Mailbox::open();
    for (number, message) in NASTY.iter().enumerate() {
        let receipt = mail(&mailbox.name(), patient(), &[]).send(message).unwrap();
        assert_eq!(
            (receipt.channel, receipt.parts, receipt.attempts, receipt.cut),
            (Channel::Email, 1, 1, 0)
        );
        let letters = mailbox.letters();
        assert_eq!(letters.len(), number + 1);
        assert_eq!(letters[number].text(), *message);
    }
}

#[test]
fn a_megabyte_arrives_in_one_mail() {
    let mailbox = Mailbox::open();
    let message = "0123456789 '\"\\$()&\u{e4}\u{1f600}\r\n.\n".repeat(1 << 16);
    assert!(message.len() > 1 << 20);
    let receipt = mail(&mailbox.name(), patient(), &[]).send(&message).unwrap();
    assert_eq!((receipt.parts, receipt.cut), (1, 0));
    assert_eq!(mailbox.letters()[0].text(), message);
}

/// C-N1, by mail.
#[test]
fn a_shell_command_in_a_mail_is_only_text() {
    let folder = tempfile::tempdir().unwrap();
    let marker = folder.path().join("marker");
    let mailbox = Mailbox::open();
    let message = format!("'; touch {}; : '", marker.display());
    let subject = format!("$(touch {})", marker.display());
    mail(&mailbox.name(), patient(), &[("EMAIL_SUBJECT", &subject)]).send(&message).unwrap();
    let letter = mailbox.letters().remove(0);
    assert_eq!(letter.text(), message);
    assert_eq!(letter.header("Subject").unwrap(), subject);
    assert!(!marker.exists());
}

#[test]
fn the_envelope_and_the_headers_are_those_of_an_automatic_mail() {
    let mailbox = Mailbox::open();
    let to = "a@example.org, Second Reader <b@example.com>";
    mail(&mailbox.name(), patient(), &[("EMAIL_TO", to)]).send("hello").unwrap();
    let letter = mailbox.letters().remove(0);
    assert_eq!(letter.from, "farm@example.org");
    assert_eq!(letter.to, ["a@example.org", "b@example.com"]);
    assert_eq!(letter.header("From").unwrap(), "Farm <farm@example.org>");
    assert!(letter.header("To").unwrap().contains("b@example.com"));
    assert_eq!(letter.header("Auto-Submitted").unwrap(), "auto-generated");
    assert_eq!(letter.header("MIME-Version").unwrap(), "1.0");
    assert!(letter.header("Date").is_some());
    assert!(letter.header("Message-ID").unwrap().contains('@'));
}

/// C-N10: the subject was fixed.
#[test]
fn the_subject_is_a_setting() {
    let mailbox = Mailbox::open();
    mail(&mailbox.name(), patient(), &[]).send("hello").unwrap();
    mail(&mailbox.name(), patient(), &[("EMAIL_SUBJECT", "farm: 3 broken; see log")]).send("hello").unwrap();
    mail(&mailbox.name(), patient(), &[("EMAIL_SUBJECT", "gr\u{fc}\u{df}e")]).send("hello").unwrap();
    let letters = mailbox.letters();
    assert_eq!(letters[0].header("Subject").unwrap(), "buildbook");
    assert_eq!(letters[1].header("Subject").unwrap(), "farm: 3 broken; see log");
    assert_eq!(letters[2].header("Subject").unwrap(), "=?utf-8?b?Z3LDvMOfZQ==?=");
}

/// C-N7: addresses were pasted into a command, unquoted.
#[test]
fn an_address_can_neither_add_a_header_nor_a_recipient() {
    let mailbox = Mailbox::open();
    for address in
        ["a@example.org\r\nBcc: x@example.org", "a@example.org\nRCPT TO:<x@example.org>", "-x", "a b@c"]
    {
        for name in ["EMAIL_TO", "EMAIL_FROM"] {
            let mut values = vec![
                ("EMAIL_TO", "a@example.org"),
                ("EMAIL_FROM", "b@example.org"),
                ("SMTP_SERVER", "localhost"),
            ];
            values.retain(|(key, _)| *key != name);
            values.push((name, address));
            let error = crate::support::settings(Channel::Email, &values).unwrap_err();
            assert!(
                matches!(&error, Error::MalformedSetting { name: named, .. } if *named == name),
                "{error}"
            );
        }
    }
    // A display name may hold anything that is printable; it stays one header.
    let from = r#""Bcc: x@example.org, <y@example.org>" <farm@example.org>"#;
    mail(&mailbox.name(), patient(), &[("EMAIL_FROM", from)]).send("hello").unwrap();
    let letter = mailbox.letters().remove(0);
    assert_eq!(letter.from, "farm@example.org");
    assert_eq!(letter.to, ["ops@example.org"]);
    assert!(!letter.header_names().iter().any(|name| name.eq_ignore_ascii_case("bcc")));
}

#[test]
fn a_message_cannot_end_the_mail_or_begin_another() {
    let mailbox = Mailbox::open();
    let message = "one\r\n.\r\nMAIL FROM:<x@example.org>\r\nRCPT TO:<y@example.org>\r\nDATA\r\ntwo\r\n.\r\n";
    mail(&mailbox.name(), patient(), &[]).send(message).unwrap();
    let letters = mailbox.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].text(), message);
}

#[test]
fn a_server_that_defers_the_first_attempt_gets_a_second() {
    let mailbox = Mailbox::judging(|asked, _| match asked {
        0 => mailin_embedded::Response::custom(450, "greylisted, come again".to_owned()),
        _ => mailin_embedded::response::OK,
    });
    let receipt = mail(&mailbox.name(), patient(), &[]).send("hello").unwrap();
    assert_eq!((receipt.parts, receipt.attempts), (1, 2));
    assert_eq!((mailbox.asked(), mailbox.letters().len()), (2, 1));
    assert_eq!(mailbox.letters()[0].text(), "hello");
}

/// The farewell is not part of the delivery, and a server that does not answer it is not waited for.
#[test]
fn a_server_that_is_silent_after_it_took_the_mail_has_taken_it() {
    use std::io::{BufRead, BufReader, Read, Write};

    let server = crate::support::raw::Raw::serving(|stream| {
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        let mut say = |text: &str| stream.write_all(text.as_bytes()).unwrap();
        say("220 ready\r\n");
        let mut line = String::new();
        loop {
            line.clear();
            lines.read_line(&mut line).unwrap();
            match line.get(..4).unwrap_or_default() {
                "DATA" => break say("354 go on\r\n"),
                _ => say("250 fine\r\n"),
            }
        }
        while line != ".\r\n" {
            line.clear();
            lines.read_line(&mut line).unwrap();
        }
        say("250 taken\r\n");
        let _ = lines.read_to_end(&mut Vec::new());
    });
    let before = Instant::now();
    let receipt = mail(&server.address.to_string(), patient(), &[]).send("hello").unwrap();
    assert_eq!(receipt.attempts, 1);
    assert!(before.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_mail_server_can_be_named_without_a_port_or_not_at_all() {
    // Nothing is sent here: port 25 of the machine is not the test's to use.
    let values = [("EMAIL_TO", "a@example.org"), ("EMAIL_FROM", "b@example.org")];
    let payload = notifier(Channel::Email, patient(), &values).payloads("hello").unwrap().remove(0);
    assert!(payload.target.starts_with("SMTP localhost:25"));
}
