//! One SMTP session: bounded in time, and failing in terms that can be acted upon.

use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::SmtpConnection;
use lettre::transport::smtp::commands::{Auth, Data, Mail, Quit, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};

use crate::email::{Security, Server};
use crate::error::Cause;
use crate::retry::{Failure, Try};
use crate::{Channel, Error};

/// A message on its way.
pub(crate) struct Job {
    pub(crate) server: Server,
    pub(crate) envelope: Envelope,
    pub(crate) bytes: Vec<u8>,
}

/// What the session was about when it failed; the same complaint of the client means different
/// things at different steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Greet,
    StartTls,
    LogIn,
    HandOver,
}

enum Broken {
    /// The client's complaint.
    At(Step, lettre::transport::smtp::Error),
    /// The server does not offer what the message needs.
    Lacks(&'static str),
}

impl Broken {
    /// Whether it is the server's own answer, after which the connection is as good as before.
    fn is_an_answer(&self) -> bool {
        matches!(self, Broken::At(_, error) if error.status().is_some()) || matches!(self, Broken::Lacks(_))
    }
}

/// Tries once, and takes at most `attempt.limit`.
///
/// The client bounds each read and write but not their sum, and a name look-up not at all, so the
/// session runs on a thread of its own that is left to its own time limits when it takes too long.
/// It may still hand over the message then; delivery is at least once anyway. The client bounds a
/// reply too, but a single line only once it has ended: a mail server that sends a line without end
/// fills memory for as long as the process lives.
pub(crate) fn attempt(job: &Arc<Job>, attempt: Try) -> Result<(), Failure> {
    let (done, outcome) = mpsc::channel();
    let worker = Arc::clone(job);
    let Try { limit, connect, number: attempts } = attempt;
    let started = thread::Builder::new().name("notify-smtp".to_owned()).spawn(move || {
        let deadline = Instant::now() + limit;
        let mut connection = match greet(&worker.server, connect) {
            Ok(connection) => connection,
            Err(broken) => {
                let _ = done.send(Err(broken));
                return;
            }
        };
        let result = session(&mut connection, &worker, deadline);
        let polite = result.as_ref().err().is_none_or(Broken::is_an_answer);
        // Nobody listens any more when the time is over.
        let _ = done.send(result);
        // The message is taken or refused: a slow farewell must not make it look otherwise.
        if polite {
            let _ = connection.command(Quit);
        }
    });
    let (channel, server) = (Channel::Email, job.server.name());
    if let Err(error) = started {
        let source = Cause(error.to_string());
        return Err(Failure::Final(Error::Unreachable { channel, server, attempts, source }));
    }
    match outcome.recv_timeout(limit) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(broken)) => Err(failure(job, &broken, attempts)),
        Err(RecvTimeoutError::Timeout) => {
            let error = Error::TimedOut { channel, server, attempts };
            Err(Failure::Temporary { error, wait: None })
        }
        Err(RecvTimeoutError::Disconnected) => {
            let source = Cause("the mail client gave up on the reply".to_owned());
            Err(Failure::Final(Error::BadReply { channel, server, source }))
        }
    }
}

fn at(step: Step) -> impl Fn(lettre::transport::smtp::Error) -> Broken {
    move |error| Broken::At(step, error)
}

/// Connects, and takes the server's greeting.
fn greet(server: &Server, limit: Duration) -> Result<SmtpConnection, Broken> {
    let wrapper = (server.security == Security::Wrapper).then_some(&server.tls);
    let address = (server.host.as_str(), server.port);
    SmtpConnection::connect(address, Some(limit), &ClientId::default(), wrapper, None)
        .map_err(at(Step::Greet))
}

/// Protects, logs in and hands over.
fn session(connection: &mut SmtpConnection, job: &Job, deadline: Instant) -> Result<(), Broken> {
    let Server { security, tls, login, .. } = &job.server;
    // The rest of the time belongs to the rest of the session. A socket that cannot be given a
    // limit is one that is closed, which the next command finds out.
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    let _ = connection.set_timeout(Some(left));

    let start_tls = match security {
        Security::Required => true,
        Security::Opportunistic => connection.can_starttls(),
        Security::Wrapper | Security::None => false,
    };
    if start_tls {
        connection.starttls(tls, &ClientId::default()).map_err(at(Step::StartTls))?;
    }
    if let Some((username, password)) = login {
        let credentials = Credentials::new(username.clone(), password.reveal().to_owned());
        log_in(connection, &credentials)?;
    }
    hand_over(connection, &job.envelope, &job.bytes)
}

/// Logs in, one command after the other, for the reason that [`hand_over`] has.
fn log_in(connection: &mut SmtpConnection, credentials: &Credentials) -> Result<(), Broken> {
    /// Two are asked for by the method that asks: for the name and for the password.
    const MOST_CHALLENGES: usize = 10;
    let refused = Broken::Lacks("a log-in by PLAIN or LOGIN");
    let broken = at(Step::LogIn);
    let Some(mechanism) = connection.server_info().get_auth_mechanism(DEFAULT_MECHANISMS) else {
        return Err(refused);
    };
    let opening = Auth::new(mechanism, credentials.clone(), None).map_err(&broken)?;
    let mut answer = connection.command(opening).map_err(&broken)?;
    for _ in 0..MOST_CHALLENGES {
        if !answer.has_code(334) {
            return Ok(());
        }
        let reply = Auth::new_from_response(mechanism, credentials.clone(), &answer).map_err(&broken)?;
        answer = connection.command(reply).map_err(&broken)?;
    }
    Err(refused)
}

/// Gives the message to the server, one command after the other. The client's own way of doing so
/// waits for a farewell before it tells of a refusal, and a server that is silent then would make
/// the refusal look like a time limit.
fn hand_over(connection: &mut SmtpConnection, envelope: &Envelope, bytes: &[u8]) -> Result<(), Broken> {
    let broken = at(Step::HandOver);
    let mut parameters = Vec::new();
    let mut addresses = envelope.from().into_iter().chain(envelope.to());
    if addresses.any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Broken::Lacks("addresses beyond ASCII (SMTPUTF8)"));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !bytes.is_ascii() {
        if !connection.server_info().supports_feature(Extension::EightBitMime) {
            return Err(Broken::Lacks("text beyond ASCII (8BITMIME)"));
        }
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    connection.command(Mail::new(envelope.from().cloned(), parameters)).map_err(&broken)?;
    for recipient in envelope.to() {
        connection.command(Rcpt::new(recipient.clone(), Vec::new())).map_err(&broken)?;
    }
    connection.command(Data).map_err(&broken)?;
    connection.message(bytes).map_err(&broken)?;
    Ok(())
}

/// What a broken session means for the message.
fn failure(job: &Job, broken: &Broken, attempts: u32) -> Failure {
    let (channel, server) = (Channel::Email, job.server.name());
    let (step, error) = match broken {
        Broken::At(step, error) => (step, error),
        Broken::Lacks(what) => {
            let source = Cause(format!("the server does not take {what}"));
            return Failure::Final(Error::Unsupported { channel, server, source });
        }
    };
    let clean = |text: &str| job.server.redactor.clean(text);
    let temporary = |error| Failure::Temporary { error, wait: None };

    if let Some(code) = error.status() {
        let status = u16::from(code);
        let reply = clean(&error.source().map_or_else(String::new, ToString::to_string));
        return match error.is_transient() {
            true => temporary(Error::ServerTrouble { channel, server, status, reply, attempts }),
            false => Failure::Final(Error::Refused { channel, server, status, reply }),
        };
    }
    let source = Cause(clean(&error.to_string()));
    if error.is_client() {
        return Failure::Final(match step {
            Step::StartTls => Error::Tls { channel, server, source },
            _ => Error::Unsupported { channel, server, source },
        });
    }
    match io_kind(error) {
        Some(ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
            temporary(Error::TimedOut { channel, server, attempts })
        }
        // The TLS layer reports what it does not accept as invalid data; so does reading text.
        Some(ErrorKind::InvalidData) => Failure::Final(match (step, job.server.security) {
            (Step::StartTls, _) | (Step::Greet, Security::Wrapper) => Error::Tls { channel, server, source },
            _ => Error::BadReply { channel, server, source },
        }),
        // A connection that is closed instead of an answer.
        None if error.is_response() && !source.0.contains("incomplete") => {
            Failure::Final(Error::BadReply { channel, server, source })
        }
        _ => temporary(Error::Unreachable { channel, server, attempts, source }),
    }
}

/// What the system said, if the failure is one of input and output.
fn io_kind(error: &lettre::transport::smtp::Error) -> Option<ErrorKind> {
    let mut next = error.source();
    while let Some(source) = next {
        if let Some(io) = source.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        next = source.source();
    }
    None
}
