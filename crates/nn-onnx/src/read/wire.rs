//! The encoding of protocol buffers, read where it lies.

use std::io::{BufReader, Read, Seek, SeekFrom};

use crate::Problem;

/// Bytes of memory that a model without its weights may take, roughly: enough for some hundred thousand nodes.
const MEMORY: u64 = 1 << 28;

/// What a field costs beyond its bytes.
const FIELD_MEMORY: u64 = 32;

/// A file, and where in it we are.
pub(crate) struct Wire<R> {
    input: BufReader<R>,
    position: u64,
    length: u64,
    memory_left: u64,
}

/// Bytes of the file: `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Span {
    pub(crate) fn length(self) -> u64 {
        self.end - self.start
    }
}

/// A field of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) number: u32,
    pub(crate) value: Value,
    /// With its key.
    pub(crate) whole: Span,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(Span),
}

/// The fields of a message, one after the other, wherever the file has been read meanwhile.
pub(crate) struct Fields {
    rest: Span,
}

impl Fields {
    pub(crate) fn of(message: Span) -> Self {
        Self { rest: message }
    }

    pub(crate) fn next<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
    ) -> Result<Option<Field>, Problem> {
        if self.rest.length() == 0 {
            return Ok(None);
        }
        let field = wire.field(self.rest)?;
        self.rest.start = field.whole.end;
        Ok(Some(field))
    }
}

impl<R: Read + Seek> Wire<R> {
    pub(crate) fn new(mut input: R) -> Result<Self, Problem> {
        let length = input
            .seek(SeekFrom::End(0))
            .and_then(|length| input.rewind().map(|()| length))
            .map_err(|error| Problem::read(&error))?;
        Ok(Self {
            input: BufReader::new(input),
            position: 0,
            length,
            memory_left: MEMORY,
        })
    }

    /// All of the file.
    pub(crate) fn whole(&self) -> Span {
        Span {
            start: 0,
            end: self.length,
        }
    }

    /// Takes memory for something that the file holds.
    pub(crate) fn charge(&mut self, bytes: u64) -> Result<(), Problem> {
        self.memory_left = self
            .memory_left
            .checked_sub(bytes)
            .ok_or(Problem::TooLarge {
                what: "without its weights it takes too many bytes of memory".into(),
                limit: MEMORY,
            })?;
        Ok(())
    }

    /// Those bytes of the file.
    pub(crate) fn bytes(&mut self, span: Span, into: &mut Vec<u8>) -> Result<(), Problem> {
        self.charge(span.length() + FIELD_MEMORY)?;
        self.seek(span.start)?;
        let start = into.len();
        // At most `MEMORY`, which fits.
        into.resize(start + span.length() as usize, 0);
        self.exactly(&mut into[start..])
    }

    /// Reads as many bytes as there is room, from a place in the file.
    pub(crate) fn read_at(&mut self, start: u64, into: &mut [u8]) -> Result<(), Problem> {
        self.seek(start)?;
        self.exactly(into)
    }

    /// The varint at the start of these bytes, and the place after it.
    pub(crate) fn varint(&mut self, span: Span) -> Result<(u64, u64), Problem> {
        self.seek(span.start)?;
        let mut value = 0;
        for place in 0..10 {
            if self.position == span.end {
                return Err(malformed(span.start, "a number ends too early"));
            }
            let mut byte = [0];
            self.exactly(&mut byte)?;
            value |= u64::from(byte[0] & 127) << (7 * place);
            if byte[0] < 128 {
                return Ok((value, self.position));
            }
        }
        Err(malformed(span.start, "a number has more than 10 bytes"))
    }

    fn field(&mut self, message: Span) -> Result<Field, Problem> {
        let start = message.start;
        let (key, at) = self.varint(message)?;
        let rest = Span {
            start: at,
            end: message.end,
        };
        let (value, end) = match key & 7 {
            0 => self
                .varint(rest)
                .map(|(value, end)| (Value::Varint(value), end))?,
            1 => {
                let bytes = self.fixed::<8>(rest)?;
                (Value::Fixed64(u64::from_le_bytes(bytes)), at + 8)
            }
            2 => {
                let (length, at) = self.varint(rest)?;
                let end = at.checked_add(length).filter(|&end| end <= message.end);
                let end = end.ok_or_else(|| {
                    let left = message.end - at;
                    let what = format!("a field should have {length} bytes where {left} are left");
                    malformed(start, &what)
                })?;
                (Value::Bytes(Span { start: at, end }), end)
            }
            5 => {
                let bytes = self.fixed::<4>(rest)?;
                (Value::Fixed32(u32::from_le_bytes(bytes)), at + 4)
            }
            kind => {
                let what = format!("there is no field of kind {kind}");
                return Err(malformed(start, &what));
            }
        };
        let number = u32::try_from(key >> 3)
            .ok()
            .filter(|&number| number > 0)
            .ok_or_else(|| malformed(start, "a field has a number out of range"))?;
        Ok(Field {
            number,
            value,
            whole: Span { start, end },
        })
    }

    fn fixed<const N: usize>(&mut self, rest: Span) -> Result<[u8; N], Problem> {
        if rest.length() < N as u64 {
            return Err(malformed(rest.start, "a number ends too early"));
        }
        let mut bytes = [0; N];
        self.read_at(rest.start, &mut bytes)?;
        Ok(bytes)
    }

    fn seek(&mut self, to: u64) -> Result<(), Problem> {
        if to == self.position {
            return Ok(());
        }
        let moved = match i64::try_from(i128::from(to) - i128::from(self.position)) {
            Ok(by) => self.input.seek_relative(by),
            Err(_) => self.input.seek(SeekFrom::Start(to)).map(|_| ()),
        };
        self.position = to;
        moved.map_err(|error| Problem::read(&error))
    }

    fn exactly(&mut self, into: &mut [u8]) -> Result<(), Problem> {
        let result = self.input.read_exact(into);
        self.position += into.len() as u64;
        result.map_err(|error| Problem::read(&error))
    }
}

pub(crate) fn malformed(byte: u64, what: &str) -> Problem {
    Problem::Malformed {
        byte,
        what: what.into(),
    }
}

/// Decodes a message: its fields in `kept` by prost, any other by `walk`, which may leave them.
pub(crate) fn message<R: Read + Seek, M: prost::Message + Default>(
    wire: &mut Wire<R>,
    span: Span,
    kept: &[u32],
    mut walk: impl FnMut(&mut Wire<R>, Field) -> Result<(), Problem>,
) -> Result<M, Problem> {
    let mut bytes = Vec::new();
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(wire)? {
        if kept.contains(&field.number) {
            wire.bytes(field.whole, &mut bytes)?;
        } else {
            walk(wire, field)?;
        }
    }
    M::decode(bytes.as_slice()).map_err(|error| malformed(span.start, &error.to_string()))
}
