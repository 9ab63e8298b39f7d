//! A DNS server on loopback that answers as it is told.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, MX, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use postiljon::model::dkim::txt_strings;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What is said of a domain.
#[derive(Debug, Clone)]
pub enum Says {
    /// MX records, as preference and host.
    Mx(Vec<(u16, &'static str)>),
    /// TXT records, each of strings of at most 255 octets.
    Txt(Vec<String>),
    /// No MX records, and an address of its own.
    Address,
    /// It exists, and has nothing.
    Nothing,
    /// It does not exist.
    NoSuchDomain,
    /// The server cannot tell.
    Failure,
    /// The server does not want to tell.
    Refused,
    /// Nothing comes back at all.
    Silence,
}

pub struct DnsServer {
    pub address: SocketAddr,
    answers: Arc<Mutex<HashMap<String, Says>>>,
    asked: watch::Receiver<Vec<String>>,
    task: JoinHandle<()>,
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl DnsServer {
    /// What is not listed does not exist.
    pub async fn start(answers: impl IntoIterator<Item = (&'static str, Says)>) -> Self {
        let answers: HashMap<_, _> =
            answers.into_iter().map(|(domain, says)| (domain.to_owned(), says)).collect();
        let answers = Arc::new(Mutex::new(answers));
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = socket.local_addr().expect("an address");
        let (asking, asked) = watch::channel(Vec::new());
        let task = tokio::spawn(serve(socket, Arc::clone(&answers), asking));
        Self { address, answers, asked, task }
    }

    pub fn say(&self, domain: &str, says: Says) {
        self.answers.lock().unwrap().insert(domain.to_owned(), says);
    }

    /// How often the MX records of a domain were asked for.
    pub fn asked(&self, domain: &str) -> usize {
        self.asked.borrow().iter().filter(|asked| *asked == domain).count()
    }

    /// Waits until the MX records of a domain were asked for so often.
    pub async fn until_asked(&self, domain: &str, times: usize) {
        let mut asked = self.asked.clone();
        let enough = asked.wait_for(|asked| asked.iter().filter(|asked| *asked == domain).count() >= times);
        tokio::time::timeout(Duration::from_secs(20), enough).await.expect("no question came").unwrap();
    }
}

async fn serve(
    socket: UdpSocket,
    answers: Arc<Mutex<HashMap<String, Says>>>,
    asking: watch::Sender<Vec<String>>,
) {
    let mut datagram = [0; 1500];
    while let Ok((length, from)) = socket.recv_from(&mut datagram).await {
        let question = Message::from_vec(&datagram[..length]).expect("a question");
        let query = question.queries.first().expect("of one domain").clone();
        let domain = query.name().to_ascii().trim_end_matches('.').to_owned();
        if query.query_type() == RecordType::MX {
            asking.send_modify(|asked| asked.push(domain.clone()));
        }
        let says = answers.lock().unwrap().get(&domain).cloned().unwrap_or(Says::NoSuchDomain);
        let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
        answer.metadata.recursion_desired = true;
        answer.metadata.recursion_available = true;
        answer.add_query(query.clone());
        let code = match says {
            Says::Silence => continue,
            Says::NoSuchDomain => ResponseCode::NXDomain,
            Says::Failure => ResponseCode::ServFail,
            Says::Refused => ResponseCode::Refused,
            Says::Mx(_) | Says::Txt(_) | Says::Address | Says::Nothing => ResponseCode::NoError,
        };
        answer.metadata.response_code = code;
        let record = |data| Record::from_rdata(query.name().clone(), 60, data);
        match says {
            Says::Mx(hosts) if query.query_type() == RecordType::MX => {
                for (preference, host) in hosts {
                    let host = Name::from_ascii(host).expect("a name");
                    answer.add_answer(record(RData::MX(MX::new(preference, host))));
                }
            }
            Says::Txt(texts) if query.query_type() == RecordType::TXT => {
                for text in texts {
                    let strings = txt_strings(&text).map(str::to_owned).collect();
                    answer.add_answer(record(RData::TXT(TXT::new(strings))));
                }
            }
            Says::Address if query.query_type() == RecordType::A => {
                answer.add_answer(record(RData::A(A(Ipv4Addr::new(192, 0, 2, 1)))));
            }
            _ => {}
        }
        let _ = socket.send_to(&answer.to_vec().expect("an answer"), from).await;
    }
}
