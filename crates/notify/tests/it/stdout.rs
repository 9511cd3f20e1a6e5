//! Standard output.

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};

use buildbook_notify::{Channel, Error, send, write_message};

/// Set for the process that is started to print.
const CHILD: &str = "BUILDBOOK_NOTIFY_TEST_PRINTS";

#[test]
fn a_message_reaches_standard_output_byte_for_byte() {
    let message = "it's \"quoted\" \\n\r\n\u{1}gr\u{fc}\u{df}e \u{1f600}";
    if std::env::var_os(CHILD).is_some() {
        let receipt = send(Channel::Stdout, message, |_| None).unwrap();
        assert_eq!(
            (receipt.channel, receipt.parts, receipt.attempts, receipt.cut),
            (Channel::Stdout, 1, 1, 0)
        );
        return;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "stdout::a_message_reaches_standard_output_byte_for_byte", "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success());
    let expected = format!("{message}\n");
    let found = output.stdout.windows(expected.len()).filter(|window| *window == expected.as_bytes()).count();
    assert_eq!(found, 1);
}

#[test]
fn the_message_and_a_line_feed_are_written_and_flushed() {
    struct Flushed(Vec<u8>, bool);
    impl Write for Flushed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // One byte at a time: a short write is not an error.
            self.0.extend_from_slice(&bytes[..1]);
            self.1 = false;
            Ok(1)
        }
        fn flush(&mut self) -> io::Result<()> {
            self.1 = true;
            Ok(())
        }
    }
    let mut out = Flushed(Vec::new(), false);
    write_message(&mut out, "a\r\n\u{0}b\n").unwrap();
    assert_eq!((out.0.as_slice(), out.1), (b"a\r\n\0b\n\n".as_slice(), true));
}

#[test]
fn a_large_message_is_written_whole() {
    let message = "0123456789abcde\n".repeat(1 << 16);
    let mut out = Vec::new();
    write_message(&mut out, &message).unwrap();
    assert_eq!(out.len(), message.len() + 1);
    assert!(out.starts_with(message.as_bytes()));
}

#[test]
fn a_reader_that_has_gone_is_an_error_and_not_a_panic() {
    let (mut reader, mut writer) = io::pipe().unwrap();
    write_message(&mut writer, "read").unwrap();
    let mut read = [0; 5];
    reader.read_exact(&mut read).unwrap();
    assert_eq!(&read, b"read\n");
    drop(reader);
    let error = write_message(&mut writer, "unread").unwrap_err();
    assert!(matches!(&error, Error::Output { source } if source.kind() == io::ErrorKind::BrokenPipe));
    assert!(!error.is_temporary() && !error.is_configuration());
}

#[test]
fn an_empty_message_writes_nothing() {
    let mut out = Vec::new();
    assert!(matches!(write_message(&mut out, "\n"), Err(Error::EmptyMessage { channel: Channel::Stdout })));
    assert!(out.is_empty());
}
