//! A real HTTP server that remembers what it was sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use tiny_http::{Header, Method, Response, Server};

/// A request as it arrived.
#[derive(Clone)]
pub struct Request {
    pub at: Instant,
    pub method: Method,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The fields of a form, decoded as a server does it: `+` is a space too.
    pub fn form(&self) -> Vec<(String, String)> {
        parse_form(std::str::from_utf8(&self.body).unwrap())
    }
}

pub fn parse_form(body: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                plain => plain,
            });
        }
        String::from_utf8(bytes).unwrap()
    };
    body.split('&')
        .map(|field| field.split_once('=').unwrap())
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// What the server answers.
#[derive(Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    pub fn new(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.to_owned() }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

pub struct Http {
    server: Arc<Server>,
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    thread: Option<JoinHandle<()>>,
}

impl Http {
    /// Gives the answers in turn, and the last one again and again.
    pub fn answering(answers: Vec<Answer>) -> Self {
        Self::with(move |number, _| answers[number.min(answers.len() - 1)].clone())
    }

    pub fn accepting() -> Self {
        Self::answering(vec![Answer::new(200, "ok")])
    }

    /// Asks `reply` what to answer to the request of this number, counted from 0.
    pub fn with(reply: impl Fn(usize, &Request) -> Answer + Send + 'static) -> Self {
        let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
        let address = server.server_addr().to_ip().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (serving, seen) = (Arc::clone(&server), Arc::clone(&requests));
        let thread = thread::spawn(move || {
            for mut incoming in serving.incoming_requests() {
                let mut body = Vec::new();
                incoming.as_reader().read_to_end(&mut body).unwrap();
                let headers = incoming.headers().iter();
                let request = Request {
                    at: Instant::now(),
                    method: incoming.method().clone(),
                    url: incoming.url().to_owned(),
                    headers: headers.map(|h| (h.field.to_string(), h.value.to_string())).collect(),
                    body,
                };
                let number = seen.lock().unwrap().len();
                let answer = reply(number, &request);
                seen.lock().unwrap().push(request);
                let mut response = Response::from_string(answer.body).with_status_code(answer.status);
                for (name, value) in answer.headers {
                    response.add_header(Header::from_bytes(name, value).unwrap());
                }
                let _ = incoming.respond(response);
            }
        });
        Self { server, address, requests, thread: Some(thread) }
    }

    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.server.unblock();
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || matches!(ended, Some(Ok(()))), "the server has panicked");
    }
}
