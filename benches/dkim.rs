//! How many mails one core signs in a second, beside what the bare signatures and `openssl speed` take.
//!
//! `cargo bench --bench dkim`. Everything runs on one thread, each line for [`SECONDS`].

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use postiljon::mail::dkim::{Signer, canonical_body};
use postiljon::model::{DkimAlgorithm, DkimKey, DkimSettings, SigningKey, Timestamp};

const SECONDS: u64 = 3;
const HEADER: &str = "Date: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <abcdefghijklmnop@meridiaan.example>\r\n\
    To: \"Reader\" <reader@example.org>\r\n\
    List-Unsubscribe:\r\n <https://news.meridiaan.example/unsubscribe/abcdefghijklmnopqrstuvwxyz234567abcdefgh>\r\n\
    List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nFrom: \"Meridiaan\" <news@meridiaan.example>\r\n\
    Subject: News\r\nList-Id: \"Insights\" <insights.meridiaan.example>\r\nFeedback-ID: a:b:issue:c\r\n\
    Precedence: bulk\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"=_a\"\r\n\r\n";
const LINE: &str = "The quick brown fox jumps over the lazy dog, and writes it down all day lon=\r\n";

fn main() -> anyhow::Result<()> {
    let rsa = DkimKey { selector: "r1".into(), key: SigningKey::generate(DkimAlgorithm::Rsa)? };
    let ed25519 = DkimKey { selector: "e1".into(), key: SigningKey::generate(DkimAlgorithm::Ed25519)? };
    let signer = |keys: &[&DkimKey]| {
        let keys = keys.iter().map(|key| (*key).clone()).collect();
        Signer::new(DkimSettings { domain: "meridiaan.example".into(), keys })
    };
    let bare = rate(|| drop(black_box(rsa.key.sign(HEADER.as_bytes()))));
    println!("a bare RSA-2048 signature: {bare:.0}/s");
    println!(
        "a bare Ed25519 signature: {:.0}/s",
        rate(|| drop(black_box(ed25519.key.sign(HEADER.as_bytes()))))
    );
    for octets in [4_000, 20_000] {
        let mail = format!("{HEADER}{}", LINE.repeat(octets / LINE.len()));
        let body = &mail.as_bytes()[HEADER.len()..];
        let read = rate(|| {
            canonical_body(black_box(body), |piece| {
                black_box(piece);
            })
        });
        println!("{octets} octets, canonical body alone: {read:.0}/s");
        let both = [&rsa, &ed25519];
        for (name, signer) in
            [("RSA", signer(&both[..1])), ("Ed25519", signer(&both[1..])), ("both", signer(&both))]
        {
            let at = Timestamp::from_millis(1_795_476_600_000);
            let signed = rate(|| drop(black_box(signer.signatures(black_box(mail.as_bytes()), at))));
            println!("{octets} octets, {name}: {signed:.0} mails/s, {:.2} x bare RSA", signed / bare);
        }
    }
    openssl();
    Ok(())
}

/// Calls per second.
fn rate(mut work: impl FnMut()) -> f64 {
    let (start, mut calls) = (Instant::now(), 0_u32);
    while start.elapsed() < Duration::from_secs(SECONDS) {
        for _ in 0..10 {
            work();
        }
        calls += 10;
    }
    f64::from(calls) / start.elapsed().as_secs_f64()
}

fn openssl() {
    let seconds = SECONDS.to_string();
    match Command::new("openssl").args(["speed", "-seconds", &seconds, "rsa2048"]).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let line = text.lines().find(|line| line.starts_with("rsa 2048")).unwrap_or("no answer");
            println!(
                "openssl speed rsa2048 (seconds per signature and verification, then both per second): {line}"
            );
        }
        Err(_) => println!("openssl speed: not run, openssl is not installed"),
    }
}
