//! Who is answered: only the page itself, on this machine, whose address has the secret token. docs/book/src/use/studio.md lists the threats.

use crate::cli::studio::refusal::Refusal;
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// What the page may load, and who may show it: itself, and nobody.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// How long an answer to a password takes, so that guessing does.
const DELAY: Duration = Duration::from_secs(1);

/// Bytes of a secret.
const SECRET: usize = 16;

/// Decides who is answered.
pub struct Guard {
    address: SocketAddr,
    token: String,
    /// What other machines must know, if they are answered at all.
    password: Option<String>,
    /// Held while a password is looked at: one after the other.
    looking: Mutex<()>,
}

impl Guard {
    /// With new secrets, for a server at this address.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn new(address: SocketAddr) -> anyhow::Result<Self> {
        let password = (!address.ip().is_loopback()).then(secret).transpose()?;
        Ok(Self {
            address,
            token: secret()?,
            // Short enough to be typed: 64 bits, a second for each guess.
            password: password.map(|secret| secret[..16].to_owned()),
            looking: Mutex::new(()),
        })
    }

    /// Where the page is, with the token.
    pub fn url(&self) -> String {
        // All addresses of a machine together are none that a browser can open.
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let address = SocketAddr::new(ip, self.address.port());
        format!("http://{address}/{}/", self.token)
    }

    /// What other machines must know.
    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// Whether a request names this server as its host. A page of somebody else, whose name has been made to lead here, names that one (DNS
    /// rebinding): so only addresses in numbers are accepted, and localhost.
    fn is_host(&self, host: &str) -> bool {
        // Browsers leave the usual port of HTTP out.
        let port = self.address.port();
        let with_port = host.strip_suffix(&format!(":{port}"));
        let Some(name) = with_port.or((port == 80).then_some(host)) else {
            return false;
        };
        let number = name
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        match number {
            Ok(number) => {
                number == self.address.ip() || number.is_loopback() || self.password.is_some()
            }
            Err(_) => name == "localhost",
        }
    }

    fn is_token(&self, text: &str) -> bool {
        same(text, &self.token)
    }

    /// Why a request is not answered.
    fn objection(&self, request: &Request) -> Option<Refusal> {
        let headers = request.headers();
        let host = text(headers, header::HOST);
        if !host.is_some_and(|host| self.is_host(host)) {
            let error = "this is not the address of the studio; use the one that it printed";
            return Some(Refusal::new(StatusCode::MISDIRECTED_REQUEST, error));
        }
        let own = format!("http://{}", host.unwrap_or_default());
        let foreign = text(headers, header::ORIGIN).is_some_and(|origin| origin != own)
            || text(headers, HeaderName::from_static("sec-fetch-site"))
                .is_some_and(|site| !["same-origin", "none"].contains(&site));
        let path = request.uri().path();
        let enters = path == "/" && self.password.is_some();
        if foreign && !(enters && request.method().is_safe()) {
            let error = "the studio answers only its own page";
            return Some(Refusal::new(StatusCode::FORBIDDEN, error));
        }
        let token = path.trim_start_matches('/').split('/').next().unwrap_or("");
        if !enters && !self.is_token(token) {
            let error = "the address is not complete; copy the one that the studio printed";
            return Some(Refusal::new(StatusCode::NOT_FOUND, error));
        }
        None
    }
}

/// Answers only who may be answered, and tells the browser what the answer may do.
pub async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = match guard.objection(&request) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let kept = headers.entry(header::CACHE_CONTROL);
    kept.or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Where other machines enter: a page that asks for the password.
pub async fn door() -> Html<&'static str> {
    Html(include_str!("../page/door.html"))
}

/// Lets in who knows the password.
pub async fn enter(Extension(guard): Extension<Arc<Guard>>, body: String) -> Response {
    // One after the other; who guesses in many requests at once is not even looked at.
    let Ok(_turn) = guard.looking.try_lock() else {
        let error = "somebody else is at the door; try again in a second";
        return Refusal::new(StatusCode::TOO_MANY_REQUESTS, error).into_response();
    };
    tokio::time::sleep(DELAY).await;
    let given = body.strip_prefix("password=").unwrap_or("");
    match &guard.password {
        Some(password) if same(given, password) => {
            Redirect::to(&format!("/{}/", guard.token)).into_response()
        }
        _ => (
            StatusCode::FORBIDDEN,
            Html(include_str!("../page/door.html")),
        )
            .into_response(),
    }
}

/// Whether two texts are equal, in a time that does not tell where they differ.
fn same(a: &str, b: &str) -> bool {
    Sha256::digest(a.as_bytes()) == Sha256::digest(b.as_bytes())
}

/// A header as text.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Random hexadecimal digits.
fn secret() -> anyhow::Result<String> {
    let mut bytes = [0; SECRET];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("there are no random numbers: {error}"))?;
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes it");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn guard(address: &str) -> Guard {
        Guard::new(address.parse().unwrap()).unwrap()
    }

    fn status(guard: &Guard, path: &str, headers: &[(&str, &str)]) -> Option<StatusCode> {
        let mut request = Request::builder().uri(path.replace("TOKEN", &guard.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let refusal = guard.objection(&request.body(Body::empty()).unwrap());
        refusal.map(|refusal| refusal.into_response().status())
    }

    #[test]
    fn only_the_page_itself_is_answered() {
        let guard = guard("127.0.0.1:8737");
        let host = ("host", "127.0.0.1:8737");
        assert_eq!(status(&guard, "/TOKEN/", &[host]), None);
        assert_eq!(
            status(
                &guard,
                "/TOKEN/desk",
                &[host, ("origin", "http://127.0.0.1:8737")]
            ),
            None
        );
        assert_eq!(
            status(&guard, "/TOKEN/", &[("host", "localhost:8737")]),
            None
        );
        let misdirected = Some(StatusCode::MISDIRECTED_REQUEST);
        for host in [
            "evil.example:8737",
            "127.0.0.1",
            "127.0.0.1:80",
            "10.0.0.1:8737",
            "",
        ] {
            assert_eq!(
                status(&guard, "/TOKEN/", &[("host", host)]),
                misdirected,
                "{host}"
            );
        }
        assert_eq!(status(&guard, "/TOKEN/", &[]), misdirected);
        let forbidden = Some(StatusCode::FORBIDDEN);
        assert_eq!(
            status(
                &guard,
                "/TOKEN/desk",
                &[host, ("origin", "http://evil.example")]
            ),
            forbidden
        );
        assert_eq!(
            status(&guard, "/TOKEN/desk", &[host, ("origin", "null")]),
            forbidden
        );
        assert_eq!(
            status(
                &guard,
                "/TOKEN/desk",
                &[host, ("sec-fetch-site", "cross-site")]
            ),
            forbidden
        );
        let missing = Some(StatusCode::NOT_FOUND);
        for path in ["/", "/desk", "/0123/desk", "//TOKEN/desk", "/../TOKEN/desk"] {
            let expected = if path == "//TOKEN/desk" {
                None
            } else {
                missing
            };
            assert_eq!(status(&guard, path, &[host]), expected, "{path}");
        }
    }

    #[test]
    fn other_machines_need_the_password() {
        assert_eq!(guard("127.0.0.1:1").password(), None);
        let guard = guard("0.0.0.0:8737");
        assert_eq!(guard.password().unwrap().len(), 16);
        let host = ("host", "192.168.1.5:8737");
        assert_eq!(status(&guard, "/", &[host]), None);
        assert_eq!(status(&guard, "/TOKEN/", &[host]), None);
        assert_eq!(
            status(&guard, "/desk", &[host]),
            Some(StatusCode::NOT_FOUND)
        );
        assert_eq!(
            status(&guard, "/TOKEN/", &[("host", "evil.example:8737")]),
            Some(StatusCode::MISDIRECTED_REQUEST)
        );
        assert_eq!(
            status(&guard, "/", &[host, ("origin", "http://evil.example")]),
            None
        );
    }

    #[test]
    fn the_usual_port_may_be_left_out() {
        let guard = guard("127.0.0.1:80");
        assert_eq!(status(&guard, "/TOKEN/", &[("host", "127.0.0.1")]), None);
        assert_eq!(status(&guard, "/TOKEN/", &[("host", "127.0.0.1:80")]), None);
        let other = [("host", "127.0.0.1:8737")];
        assert_eq!(
            status(&guard, "/TOKEN/", &other),
            Some(StatusCode::MISDIRECTED_REQUEST)
        );
    }

    #[test]
    fn all_addresses_together_are_opened_at_this_machine_s_own() {
        assert!(
            guard("0.0.0.0:8737")
                .url()
                .starts_with("http://127.0.0.1:8737/")
        );
    }

    #[test]
    fn secrets_differ() {
        assert_ne!(guard("127.0.0.1:1").token, guard("127.0.0.1:1").token);
    }
}
