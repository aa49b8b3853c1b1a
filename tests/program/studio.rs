//! `impasto studio`: what it prints, whom it answers, and how it ends. tests/studio/ has the page itself, in a browser.
#![cfg(unix)]

use crate::processes::Process;
use crate::workplace::{Workplace, data};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

/// Starts a studio in the folder `paintings`, with these options. Returns it and the address that it prints.
fn start(place: &Workplace, options: &str) -> (Process, String) {
    let child = place
        .program()
        .args(["studio", "--no-open", "--folder", "paintings"])
        .args(options.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut process = Process(child.unwrap());
    let mut address = String::new();
    let stdout = process.0.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut address).unwrap();
    (process, address.trim_end().to_owned())
}

/// Sends a request to the studio at this address: the status line of the answer.
fn ask(address: &str, method: &str, path: &str, host: Option<&str>) -> String {
    let server = address.split('/').nth(2).unwrap();
    let mut stream = TcpStream::connect(server).unwrap();
    let host = host.unwrap_or(server);
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or("").to_owned()
}

#[test]
fn the_studio_prints_its_address_answers_there_alone_and_ends_with_ctrl_c() {
    let place = Workplace::new();
    let (studio, address) = start(&place, "--port 0");
    let (_, path) = address.rsplit_once(':').unwrap();
    let path = &path[path.find('/').unwrap()..];
    assert!(address.starts_with("http://127.0.0.1:"), "{address}");
    assert_eq!(path.len(), "/".len() + 32 + "/".len(), "{path}");
    assert!(ask(&address, "GET", path, None).ends_with("200 OK"));
    assert!(ask(&address, "GET", "/", None).contains("404"));
    assert!(ask(&address, "GET", path, Some("evil.example")).contains("421"));
    let unknown = format!("{path}painting/0123/full.png");
    assert!(ask(&address, "GET", &unknown, None).contains("404"));
    studio.send("-INT");
    let (code, said) = studio.end();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("paintings are in"), "{said}");
    assert!(said.contains("goes on at the next start"), "{said}");
}

#[test]
fn a_studio_that_cannot_begin_says_why_in_one_line() {
    let place = Workplace::new();
    let refusal = |options: &str| {
        let mut command = place.impasto("studio --no-open");
        let command = command.args(options.split_whitespace());
        let said = command.assert().code(1).get_output().clone();
        assert!(said.stdout.is_empty());
        let said = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
        said
    };
    place.write(
        "broken.jpg",
        &std::fs::read(data("content/chelsea.jpg")).unwrap()[..9000],
    );
    assert!(
        refusal("broken.jpg --folder paintings")
            .starts_with("error: broken.jpg: the picture is cut short")
    );
    assert!(refusal("missing.jpg --folder paintings").starts_with("error: missing.jpg: "));
    let (_studio, address) = start(&place, "--port 0");
    assert!(refusal("--folder paintings").contains("another studio uses this folder"));
    let port = address.split([':', '/']).nth(4).unwrap();
    let taken = refusal(&format!("--folder others --port {port}"));
    assert!(taken.contains(&format!("--port {port}: ")), "{taken}");
}
