//! A real SMTP server that keeps what it was handed.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use mailin_embedded::response::{INVALID_CREDENTIALS, OK};
use mailin_embedded::{AuthMechanism, Handler, Response, Server, SslConfig};

/// A message as it arrived.
#[derive(Clone, Default)]
pub struct Letter {
    pub from: String,
    pub to: Vec<String>,
    pub data: Vec<u8>,
    pub login: Option<(String, String)>,
}

impl Letter {
    /// The value of a header, with folded lines joined.
    pub fn header(&self, name: &str) -> Option<String> {
        let text = String::from_utf8(self.data.clone()).unwrap();
        let head = text.split_once("\r\n\r\n").unwrap().0.replace("\r\n ", " ");
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    }

    pub fn header_names(&self) -> Vec<String> {
        let text = String::from_utf8(self.data.clone()).unwrap();
        let head = text.split_once("\r\n\r\n").unwrap().0;
        let lines = head.lines().filter(|line| !line.starts_with(' '));
        lines.map(|line| line.split_once(':').unwrap().0.to_owned()).collect()
    }

    /// The text as the reader's mail program decodes it.
    pub fn text(&self) -> String {
        assert_eq!(self.header("Content-Transfer-Encoding").as_deref(), Some("base64"));
        assert_eq!(self.header("Content-Type").as_deref(), Some("text/plain; charset=utf-8"));
        String::from_utf8(decode_body(&self.data)).unwrap()
    }
}

/// Decodes the base64 after the empty line.
pub fn decode_body(data: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(data).unwrap();
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(body.lines().all(|line| line.len() <= 76), "a line is too long for mail");
    base64::prelude::BASE64_STANDARD.decode(body.replace("\r\n", "")).unwrap()
}

/// What the server says to a recipient, given how many were named to it before.
type Recipient = dyn Fn(usize, &str) -> Response + Send + Sync;

#[derive(Clone)]
struct Keeper {
    recipient: Arc<Recipient>,
    asked: Arc<Mutex<usize>>,
    letters: Arc<Mutex<Vec<Letter>>>,
    current: Letter,
    credentials: Option<(String, String)>,
}

impl Handler for Keeper {
    fn mail(&mut self, _ip: IpAddr, _domain: &str, from: &str) -> Response {
        let login = self.current.login.take();
        self.current = Letter { from: from.to_owned(), login, ..Letter::default() };
        OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        let mut asked = self.asked.lock().unwrap();
        *asked += 1;
        self.current.to.push(to.to_owned());
        (self.recipient)(*asked - 1, to)
    }

    fn data(&mut self, line: &[u8]) -> io::Result<()> {
        self.current.data.extend_from_slice(line);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        self.letters.lock().unwrap().push(self.current.clone());
        OK
    }

    fn auth_plain(&mut self, _as: &str, username: &str, password: &str) -> Response {
        let given = (username.to_owned(), password.to_owned());
        if self.credentials.as_ref() != Some(&given) {
            return Response::custom(535, format!("no such credentials: {username} {password}"));
        }
        self.current.login = Some(given);
        mailin_embedded::response::AUTH_OK
    }

    fn auth_login(&mut self, _username: &str, _password: &str) -> Response {
        INVALID_CREDENTIALS
    }
}

pub struct Mailbox {
    pub address: SocketAddr,
    letters: Arc<Mutex<Vec<Letter>>>,
    asked: Arc<Mutex<usize>>,
}

impl Mailbox {
    pub fn open() -> Self {
        Self::start(|_, _| OK, None, None)
    }

    pub fn judging(recipient: impl Fn(usize, &str) -> Response + Send + Sync + 'static) -> Self {
        Self::start(recipient, None, None)
    }

    /// Offers STARTTLS with the certificate and key in `folder`, and a log-in after that.
    pub fn protected(folder: &Path, username: &str, password: &str) -> Self {
        Self::start(|_, _| OK, Some(certificate(folder)), Some((username.to_owned(), password.to_owned())))
    }

    /// Offers STARTTLS with the certificate and key in `folder`, and takes mail without a log-in.
    pub fn offering_tls(folder: &Path) -> Self {
        Self::start(|_, _| OK, Some(certificate(folder)), None)
    }

    fn start(
        recipient: impl Fn(usize, &str) -> Response + Send + Sync + 'static,
        ssl: Option<SslConfig>,
        credentials: Option<(String, String)>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (letters, asked) = (Arc::default(), Arc::default());
        let asks_for_login = credentials.is_some();
        let keeper = Keeper {
            recipient: Arc::new(recipient),
            asked: Arc::clone(&asked),
            letters: Arc::clone(&letters),
            current: Letter::default(),
            credentials,
        };
        let mut server = Server::new(keeper);
        server.with_name("mail.example.org").with_tcp_listener(listener);
        if let Some(ssl) = ssl {
            server.with_ssl(ssl).unwrap();
            if asks_for_login {
                server.with_auth(AuthMechanism::Plain);
            }
        }
        // It serves until the process ends; there is no way to stop it.
        thread::spawn(move || drop(server.serve()));
        Self { address, letters, asked }
    }

    pub fn name(&self) -> String {
        self.address.to_string()
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.letters.lock().unwrap().clone()
    }

    /// How often a recipient was named.
    pub fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

fn certificate(folder: &Path) -> SslConfig {
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    SslConfig::SelfSigned { cert_path: file("leaf.pem"), key_path: file("leaf.key") }
}
