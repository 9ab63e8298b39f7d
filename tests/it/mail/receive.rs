//! The receiver, spoken to by hand and by our own relay.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use postiljon::mail::receive::{Mailbox, ReceivedMail, Receiver};
use postiljon::mail::relay::{Attempt, Outgoing, Relay, Stage};
use postiljon::mail::reply::Reply;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::smtp::{address, settings};

#[derive(Clone, Default)]
struct Box(Arc<Mutex<Vec<ReceivedMail>>>);

impl Mailbox for Box {
    fn accepts(&self, to: &str) -> Result<(), Reply> {
        if to.starts_with("nobody") { Err(Reply::new(550, Some((5, 1, 1)), "no such user")) } else { Ok(()) }
    }

    async fn deliver(&self, mail: ReceivedMail) -> Reply {
        self.0.lock().unwrap().push(mail);
        Reply::new(250, Some((2, 0, 0)), "taken")
    }
}

async fn receiver() -> (Receiver, Box) {
    let mailbox = Box::default();
    let receiver = Receiver::bind(SocketAddr::from(([127, 0, 0, 1], 0)), mailbox.clone()).await.unwrap();
    (receiver, mailbox)
}

/// Says everything at once, and reads until the server closes.
async fn say(receiver: &Receiver, words: &[u8]) -> String {
    let mut tcp = TcpStream::connect(receiver.address()).await.unwrap();
    tcp.write_all(words).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_message_from_our_relay_arrives_as_one_message_byte_by_byte() {
    let (receiver, mailbox) = receiver().await;
    let relay = Relay::new("main", settings(receiver.address())).unwrap();
    let to = address("jan@example.be");
    let bodies = [
        "Subject: x\r\n\r\n.\r\n..\r\n.a\r\n",
        "Subject: x\r\n\r\n\r\n.\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nx\r\n.\r\n",
        ".\r\n",
        "Subject: x\r\n\r\nno end\r\n.\r\n",
        "\r\n",
    ];
    for body in bodies {
        let attempt = relay
            .send(&Outgoing { envelope_from: None, to: &to, envelope_id: None, bytes: body.as_bytes() })
            .await;
        assert!(matches!(attempt, Ok(Attempt::Accepted(_))), "{body:?}: {attempt:?}");
    }
    let received: Vec<Vec<u8>> = mailbox.0.lock().unwrap().iter().map(|mail| mail.bytes.clone()).collect();
    assert_eq!(received, bodies.map(|body| body.as_bytes().to_vec()));
    receiver.stop().await;
}

#[tokio::test]
async fn a_message_with_bare_line_ends_never_reaches_the_wire() {
    let (receiver, mailbox) = receiver().await;
    let relay = Relay::new("main", settings(receiver.address())).unwrap();
    let to = address("jan@example.be");
    for body in ["a\r\n\n.\n\r\n", "a\r\n\r.\r\n", "a\r\n.\n", "a\0\r\n"] {
        let attempt = relay
            .send(&Outgoing { envelope_from: None, to: &to, envelope_id: None, bytes: body.as_bytes() })
            .await;
        assert!(
            matches!(&attempt, Ok(Attempt::Refused { stage: Stage::Message, reply }) if reply.code == 554),
            "{attempt:?}"
        );
    }
    assert!(mailbox.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn bare_line_ends_are_content_and_end_no_message() {
    let (receiver, mailbox) = receiver().await;
    let smuggled = b"a\n.\nb\n.\r\nc\r\n.\nd\r.\r\ne\r\n.\rMAIL FROM:<x@y.example>\r\n";
    let mut words = b"EHLO test\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n".to_vec();
    words.extend_from_slice(smuggled);
    words.extend_from_slice(b".\r\nQUIT\r\n");
    let answer = say(&receiver, &words).await;
    assert!(answer.ends_with("250 2.0.0 taken\r\n221 2.0.0 goodbye\r\n"), "{answer}");
    let received = mailbox.0.lock().unwrap().clone();
    assert_eq!(received.len(), 1);
    // The dot that begins a line after a real CRLF is the only one that stuffing could have added.
    assert_eq!(received[0].bytes, b"a\n.\nb\n.\r\nc\r\n\nd\r.\r\ne\r\n\rMAIL FROM:<x@y.example>\r\n");
}

#[tokio::test]
async fn a_message_in_pieces_of_one_byte_is_the_same_message() {
    let (receiver, mailbox) = receiver().await;
    let mut tcp = TcpStream::connect(receiver.address()).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    for byte in b"EHLO t\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n..a\r\n.\r\nQUIT\r\n" {
        tcp.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("221 2.0.0 goodbye\r\n"), "{answer}");
    let mail =
        ReceivedMail { from: String::new(), to: vec!["c@d.example".into()], bytes: b".a\r\n".to_vec() };
    assert_eq!(*mailbox.0.lock().unwrap(), [mail]);
}

#[tokio::test]
async fn commands_out_of_order_or_wrong_are_refused() {
    let (receiver, mailbox) = receiver().await;
    for (words, answer) in [
        ("MAIL FROM:<a@b>\r\n", "503"),
        ("EHLO t\r\nRCPT TO:<a@b>\r\n", "503"),
        ("EHLO t\r\nDATA\r\n", "503"),
        ("EHLO t\r\nMAIL FROM:a@b\r\n", "501"),
        ("EHLO t\r\nMAIL FROM:<a@b> SIZE=99999999\r\n", "552"),
        ("EHLO t\r\nMAIL FROM:<a@b>\r\nRCPT TO:<nobody@b>\r\n", "550"),
        ("WHAT\r\n", "500"),
    ] {
        let all = say(&receiver, format!("{words}QUIT\r\n").as_bytes()).await;
        let lines: Vec<&str> = all.lines().collect();
        assert!(lines[lines.len() - 2].starts_with(answer), "{words}: {all}");
    }
    assert!(
        say(&receiver, b"NOOP\nQUIT\r\n")
            .await
            .ends_with("500 5.5.2 a line ends with CRLF and is not that long\r\n")
    );
    assert!(say(&receiver, &[b'a'; 3000]).await.ends_with("500 5.5.2 the line is too long\r\n"));
    let wrong = "WHAT\r\n".repeat(21);
    assert!(say(&receiver, wrong.as_bytes()).await.ends_with("421 4.7.0 too many wrong commands\r\n"));
    assert!(mailbox.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn stopping_says_so_to_who_is_connected() {
    let (receiver, _) = receiver().await;
    let mut tcp = TcpStream::connect(receiver.address()).await.unwrap();
    let mut greeting = [0; 21];
    tcp.read_exact(&mut greeting).await.unwrap();
    receiver.stop().await;
    let mut rest = String::new();
    tcp.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "421 4.3.2 closing down\r\n");
}
