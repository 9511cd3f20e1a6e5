//! One HTTP exchange: bounded in time and size, protected, and without side trips.

use std::io::Read;
use std::time::{Duration, SystemTime};

use ureq::http::Uri;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use crate::Error;
use crate::lookup::{Lookup, is_this_machine};
use crate::secret::Secret;

/// More of a reply is not read; what services answer is far shorter.
const MAX_REPLY: u64 = 64 << 10;

/// A checked address. The whole of it is treated as a secret, host and port are not.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) url: Secret,
    /// Host and port, for errors.
    pub(crate) server: String,
}

/// Checks an address that messages and secrets are to be sent to.
///
/// Only HTTPS leaves this machine. A name and password inside the address are refused: they would
/// be sent in a header nobody asked for.
pub(crate) fn address(ask: &Lookup<'_>, name: &'static str, text: &str) -> Result<Address, Error> {
    let uri: Uri = text.parse().map_err(|_| ask.malformed(name, "is not a web address"))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(ask.malformed(name, "is not a whole web address with https://"));
    };
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return Err(ask.malformed(name, "has no plain host"));
    }
    match scheme {
        "https" => {}
        "http" if is_this_machine(authority.host()) => {}
        "http" => return Err(ask.insecure(name)),
        _ => return Err(ask.malformed(name, "is neither https nor http")),
    }
    Ok(Address { url: Secret::new(text), server: authority.as_str().to_owned() })
}

/// Reads the certificates to trust instead of the built-in ones, if there are any.
pub(crate) fn roots(ask: &Lookup<'_>) -> Result<Option<RootCerts>, Error> {
    let Some(pem) = ask.text("NOTIFY_CA")? else { return Ok(None) };
    let mut certificates = Vec::new();
    for item in parse_pem(pem.as_bytes()) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(ask.malformed("NOTIFY_CA", "is not PEM")),
        }
    }
    if certificates.is_empty() {
        return Err(ask.malformed("NOTIFY_CA", "holds no certificate"));
    }
    Ok(Some(RootCerts::from(certificates)))
}

/// What is posted.
pub(crate) struct Post<'a> {
    pub(crate) url: &'a Secret,
    pub(crate) authorization: Option<&'a Secret>,
    pub(crate) content_type: &'static str,
    pub(crate) body: &'a str,
    pub(crate) roots: Option<&'a RootCerts>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    /// The beginning of the body; empty when it could not be read.
    pub(crate) body: String,
}

/// Posts once. Takes at most `limit` in all, of which at most `connect` to reach the server.
///
/// A redirect is not followed, since it could take the credentials to another host. No proxy is
/// taken from the environment. No connection outlives the exchange: messages are rare, and a
/// connection that the server has closed meanwhile would fail the next one.
pub(crate) fn post(post: &Post<'_>, connect: Duration, limit: Duration) -> Result<Reply, ureq::Error> {
    let mut tls = TlsConfig::builder();
    if let Some(roots) = post.roots {
        tls = tls.root_certs(roots.clone());
    }
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(limit))
        .timeout_connect(Some(connect))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(0)
        .proxy(None)
        .user_agent(concat!("buildbook-notify/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls.build())
        .build()
        .new_agent();
    let mut request = agent.post(post.url.reveal()).content_type(post.content_type);
    if let Some(authorization) = post.authorization {
        request = request.header("authorization", authorization.reveal());
    }
    let mut response = request.send(post.body)?;

    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let retry_after = header("retry-after").and_then(|after| wait(after, header("date")));
    let status = response.status().as_u16();
    // The status has decided already; a body that breaks off or never ends only lacks its reason.
    let mut body = Vec::new();
    let _ = response.body_mut().as_reader().take(MAX_REPLY).read_to_end(&mut body);
    Ok(Reply { status, retry_after, body: String::from_utf8_lossy(&body).into_owned() })
}

/// Reads a `Retry-After` header: seconds, with a fraction from some servers, or a date.
///
/// A date is counted from the reply's own `Date`, so that a wrong clock on either side does no harm.
fn wait(after: &str, date: Option<&str>) -> Option<Duration> {
    if let Ok(seconds) = after.trim().parse::<f64>() {
        return seconds_to_wait(seconds);
    }
    let until = httpdate::parse_http_date(after.trim()).ok()?;
    let now: SystemTime = httpdate::parse_http_date(date?.trim()).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

/// A number of seconds as a server gives it; a number too large for a duration is the longest one.
pub(crate) fn seconds_to_wait(seconds: f64) -> Option<Duration> {
    if seconds.is_nan() || seconds < 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Channel;

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let cases = [
            ("3", Some(3_000)),
            (" 0.25 ", Some(250)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30_000)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-1", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
        ];
        for (after, millis) in cases {
            assert_eq!(wait(after, date), millis.map(Duration::from_millis), "{after:?}");
        }
        assert_eq!(wait("1e300", date), Some(Duration::MAX));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:07 GMT", None), None);
    }

    #[test]
    fn an_address_is_https_or_stays_on_this_machine() {
        let ask = Lookup { channel: Channel::Slack, find: &|_| None };
        let server = |text| address(&ask, "X", text).map(|address| address.server);
        for (text, expected) in [
            ("https://hooks.example.org/services/T/B/x?a=1&b=2;c", "hooks.example.org"),
            ("https://[2001:db8::1]:8443/x", "[2001:db8::1]:8443"),
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://[::1]/x", "[::1]"),
            ("HTTP://localhost/x", "localhost"),
        ] {
            assert_eq!(server(text).expect(text), expected);
        }
        for text in ["http://example.org/x", "http://127.0.0.1.example.org/x", "http://10.0.0.1/"] {
            assert!(matches!(server(text), Err(Error::Insecure { name: "X", .. })), "{text}");
        }
        for text in [
            "",
            "x",
            "hooks.example.org/x",
            "/x",
            "ftp://example.org/",
            "https://",
            "https://u:p@example.org/",
            "http://localhost@example.org/",
            "https://example.org/a b",
        ] {
            assert!(matches!(server(text), Err(Error::MalformedSetting { name: "X", .. })), "{text}");
        }
    }
}
