//! The text, and how far it has been read.

use crate::Error;

pub(super) const END: Error = Error::new("the text ends too early");
pub(super) const NUMBER: Error = Error::new("a number is wrong");
const INT: Error = Error::new("an integer is wrong, or beyond Int, which has 32 bits");
const DATE: Error = Error::new("a date is wrong");
const SIGN: Error = Error::new("a sign is missing");

/// A text that is read from left to right.
pub(super) struct Text<'de> {
    bytes: &'de [u8],
    pub(super) at: usize,
}

impl<'de> Text<'de> {
    pub(super) const fn new(text: &'de str) -> Self {
        Self { bytes: text.as_bytes(), at: 0 }
    }

    pub(super) fn is_over(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn rest(&self) -> &'de [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Result<u8, Error> {
        self.bytes.get(self.at).copied().ok_or(END)
    }

    pub(super) fn next(&mut self) -> Result<u8, Error> {
        let byte = self.peek()?;
        self.at = self.at.wrapping_add(1);
        Ok(byte)
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.next()? == byte { Ok(()) } else { Err(SIGN) }
    }

    fn bytes(&mut self, len: usize) -> Result<&'de [u8], Error> {
        let bytes = self.rest().get(..len).ok_or(END)?;
        self.at = self.at.wrapping_add(len);
        Ok(bytes)
    }

    /// The characters from here on that `belongs` takes; there has to be one.
    fn run(&mut self, belongs: impl Fn(u8) -> bool) -> Result<&'de str, Error> {
        let len = self.rest().iter().take_while(|byte| belongs(**byte)).count();
        let run = self.bytes(len)?;
        if run.is_empty() {
            return Err(if self.is_over() { END } else { NUMBER });
        }
        core::str::from_utf8(run).map_err(|_| NUMBER)
    }

    pub(super) fn int(&mut self) -> Result<i32, Error> {
        self.run(|byte| byte.is_ascii_digit() || byte == b'-')?.parse().map_err(|_| INT)
    }

    pub(super) fn count(&mut self) -> Result<usize, Error> {
        self.run(|byte| byte.is_ascii_digit())?.parse().map_err(|_| NUMBER)
    }

    fn float_run(&mut self) -> Result<&'de str, Error> {
        self.run(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'))
    }

    pub(super) fn float(&mut self) -> Result<f64, Error> {
        self.float_run()?.parse().map_err(|_| NUMBER)
    }

    /// Passes over a number of any kind.
    pub(super) fn pass_number(&mut self) -> Result<(), Error> {
        self.float_run().map(drop)
    }

    /// A date as text, if there is one; otherwise it is a number.
    fn date_text(&mut self) -> Option<&'de [u8; 19]> {
        let text = self.rest().first_chunk::<19>()?;
        let [year @ .., b'-'] = text.first_chunk::<5>()? else { return None };
        if !year.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.at = self.at.wrapping_add(text.len());
        Some(text)
    }

    /// A date behind its sign: milliseconds from the start of 1970.
    pub(super) fn date(&mut self) -> Result<f64, Error> {
        match self.date_text() {
            Some(text) => super::date::millis(text).ok_or(DATE),
            None => self.float_run()?.parse().map_err(|_| DATE),
        }
    }

    pub(super) fn pass_date(&mut self) -> Result<(), Error> {
        match self.date_text() {
            Some(_) => Ok(()),
            None => self.pass_number(),
        }
    }

    /// Something with its length: `length:bytes`.
    pub(super) fn counted(&mut self) -> Result<&'de [u8], Error> {
        let len = self.count()?;
        self.expect(b':')?;
        self.bytes(len)
    }

    /// Goes on to behind the sign of the next string that is written in full. All before has been
    /// read once, so it is in order.
    pub(super) fn find_string(&mut self) -> Result<(), Error> {
        loop {
            match self.next()? {
                b'y' => return Ok(()),
                b's' => drop(self.counted()?),
                _ => {}
            }
        }
    }
}
