//! One endpoint, which this program is.

use std::time::Instant;

use crate::conn::Conn;
use crate::wire::{self, Data, Unit, data, hex};

pub(crate) struct Peer {
    pub(crate) conn: Conn,
    /// What the relay has announced (section 11.1).
    pub(crate) capabilities: Option<u8>,
    /// How many keepalives have come, the announcement included.
    pub(crate) keepalives: usize,
    /// Whether its hello counted (section 11.4).
    pub(crate) takes_part: bool,
    tag: u8,
    /// A name that no channel has.
    nobody: Vec<u8>,
}

/// The tag of what only shows that nothing else has come; others are below.
const PROBE: u8 = 255;

impl Peer {
    pub(crate) fn new(conn: Conn, nobody: Vec<u8>) -> Self {
        Self { conn, capabilities: None, keepalives: 0, takes_part: false, tag: 0, nobody }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.conn.send(bytes);
    }

    /// The next unit that is no keepalive.
    pub(crate) fn unit(&mut self) -> Result<Unit, String> {
        self.unit_by(self.conn.end())
    }

    /// The same, until this time.
    pub(crate) fn unit_by(&mut self, end: Instant) -> Result<Unit, String> {
        loop {
            match self.conn.unit(end)? {
                Unit::Control(control) if wire::is_keepalive(&control) => self.note(&control),
                unit => return Ok(unit),
            }
        }
    }

    fn note(&mut self, keepalive: &[u8]) {
        self.keepalives += 1;
        if let [_, _, 0x50, capabilities, ..] = *keepalive {
            self.capabilities = Some(capabilities);
        }
    }

    /// Waits for a keepalive; nothing else may come before it.
    pub(crate) fn keepalive(&mut self) -> Result<(), String> {
        match self.conn.unit(self.conn.end())? {
            Unit::Control(control) if wire::is_keepalive(&control) => {
                self.note(&control);
                Ok(())
            }
            unit => Err(self.unexpected("a keepalive", &unit)),
        }
    }

    pub(crate) fn unexpected(&self, wanted: &str, came: &Unit) -> String {
        format!("connection {}: {wanted} was expected, what came is {came:?}", self.conn.number)
    }

    /// The next unit is this answer or event.
    pub(crate) fn control(&mut self, wanted: &[u8]) -> Result<(), String> {
        match self.unit()? {
            Unit::Control(came) if came == wanted => Ok(()),
            came => Err(self.unexpected(&format!("0, {}, {}", wanted.len(), hex(wanted)), &came)),
        }
    }

    /// Sends a command that is answered, and returns whether it is refused, and number or code.
    pub(crate) fn ask(&mut self, command: u8, name: &[u8]) -> Result<(bool, u8), String> {
        let tag = self.begin(command, name);
        self.answer(tag)
    }

    /// Sends a command, and returns the tag that its answer will have.
    pub(crate) fn begin(&mut self, command: u8, name: &[u8]) -> u8 {
        self.tag = self.tag % 250 + 1;
        self.send(&wire::command(command, self.tag, name));
        self.tag
    }

    /// The next unit is an answer with this tag.
    pub(crate) fn answer(&mut self, tag: u8) -> Result<(bool, u8), String> {
        match self.unit()? {
            Unit::Control(came) if came.len() == 3 && came[0] == tag && came[1] < 2 => {
                Ok((came[1] == 1, came[2]))
            }
            came => Err(self.unexpected(&format!("an answer to tag {tag}"), &came)),
        }
    }

    fn granted(&mut self, command: u8, name: &[u8]) -> Result<u8, String> {
        match self.ask(command, name)? {
            (false, number) => Ok(number),
            (true, code) => Err(format!(
                "connection {}: the relay refused command {command} for {:?} with code {code}",
                self.conn.number,
                String::from_utf8_lossy(name)
            )),
        }
    }

    pub(crate) fn create(&mut self, name: &[u8]) -> Result<u8, String> {
        self.granted(0, name)
    }

    pub(crate) fn enter(&mut self, name: &[u8]) -> Result<u8, String> {
        self.granted(1, name)
    }

    /// The command is refused with this code.
    pub(crate) fn refused(&mut self, command: u8, name: &[u8], code: u8) -> Result<(), String> {
        match self.ask(command, name)? {
            (true, came) if came == code => Ok(()),
            (true, came) => Err(format!("refused with code {came}, code {code} was expected")),
            (false, number) => Err(format!("granted as number {number}, code {code} was expected")),
        }
    }

    /// The next unit says that a user has entered. Returns its number.
    pub(crate) fn user_entered(&mut self, own: u8) -> Result<u8, String> {
        match self.unit()? {
            Unit::Control(came) if came.len() == 4 && came[..3] == [0, 0, own] => Ok(came[3]),
            came => Err(self.unexpected(&format!("a user that enters own channel {own}"), &came)),
        }
    }

    pub(crate) fn user_gone(&mut self, own: u8, user: u8, reason: u8) -> Result<(), String> {
        self.control(&[0, 1, own, user, reason])
    }

    pub(crate) fn channel_gone(&mut self, entered: u8, reason: u8) -> Result<(), String> {
        self.control(&[0, 2, entered, reason])
    }

    /// Data for the server of an entered channel.
    pub(crate) fn say(&mut self, entered: u8, payload: &[u8]) {
        self.send(&data(&[entered], payload));
    }

    /// Data for one user of an own channel.
    pub(crate) fn say_to(&mut self, own: u8, user: u8, payload: &[u8]) {
        self.send(&data(&[128 + own, user], payload));
    }

    /// A broadcast to all.
    pub(crate) fn say_to_all(&mut self, own: u8, payload: &[u8]) {
        self.send(&[&[1, 1], &data(&[128 + own], payload)[..]].concat());
    }

    /// These bytes come from the server of an entered channel, in whatever units.
    pub(crate) fn hear(&mut self, entered: u8, payload: &[u8]) -> Result<(), String> {
        self.gather(entered, None, payload)
    }

    /// These bytes come from this user of an own channel, in whatever units.
    pub(crate) fn hear_user(&mut self, own: u8, user: u8, payload: &[u8]) -> Result<(), String> {
        self.gather(128 + own, Some(user), payload)
    }

    fn gather(&mut self, channel: u8, user: Option<u8>, wanted: &[u8]) -> Result<(), String> {
        let mut at = 0;
        while at < wanted.len() {
            match self.unit()? {
                Unit::Data(Data { mode: None, channel: c, user: u, payload })
                    if (c, u) == (channel, user)
                        && !payload.is_empty()
                        && wanted[at..].starts_with(&payload) =>
                {
                    at += payload.len();
                }
                came => {
                    let wanted = Data { mode: None, channel, user, payload: wanted[at..].to_vec() };
                    return Err(self.unexpected(&format!("{:?}", Unit::Data(wanted)), &came));
                }
            }
        }
        Ok(())
    }

    /// All that comes from the server of an entered channel, up to these bytes.
    pub(crate) fn until(&mut self, entered: u8, end: &[u8]) -> Result<Vec<u8>, String> {
        let (mut all, by) = (Vec::new(), self.conn.end());
        while !all.ends_with(end) {
            match self.unit_by(by)? {
                Unit::Data(data) if data.channel == entered => all.extend(data.payload),
                came => return Err(self.unexpected("data", &came)),
            }
        }
        all.truncate(all.len() - end.len());
        Ok(all)
    }

    /// Nothing has come but keepalives, up to the answer to a question that is sent now.
    pub(crate) fn quiet(&mut self) -> Result<(), String> {
        self.send(&wire::command(1, PROBE, &self.nobody.clone()));
        match self.unit()? {
            Unit::Control(came) if came == [PROBE, 1, 1] => Ok(()),
            came => Err(self.unexpected("nothing but the answer to a question", &came)),
        }
    }

    /// The relay closes the connection.
    pub(crate) fn closed(&mut self) -> Result<(), String> {
        self.conn.closed()
    }

    /// Leaves or deletes (section 3.2).
    pub(crate) fn leave(&mut self, entered: u8) {
        self.send(&[0, 2, 0, 1, entered]);
    }

    pub(crate) fn delete(&mut self, own: u8) {
        self.send(&[0, 3, 0, 1, own]);
    }
}
