//! Tests that the same commands give the same room.

use jiff::Timestamp;
use proptest::prelude::*;

use std::net::IpAddr;
use std::time::Duration;

use super::*;

const FULL: EncodingId = EncodingId::new(0);
const SHORT: EncodingId = EncodingId::new(3);

const ENCODINGS: Encodings = Encodings::new(FULL, codec::write, codec::read).with(SHORT, short);

fn short(event: &Event<'_>, out: &mut Vec<u8>) {
    if let Some(entry) = event.entry() {
        out.extend_from_slice(format!("{}: {:?}\n", entry.author.name, entry.text()).as_bytes());
    }
}

/// A command before leases are known: they count back from the newest.
#[derive(Clone, Debug)]
enum Step {
    Enter(Enter),
    Resume {
        token: TokenHash,
        opened: u64,
    },
    Say {
        lease: usize,
        id: Option<u8>,
        text: String,
    },
    Leave(usize),
    Lose(usize),
    Expire,
    Announce,
    SetRules {
        rate: u32,
        grace: u64,
    },
    Close(Closing),
    /// A command that needs no lease.
    Other(Command),
    Erase {
        by: Option<usize>,
        seq: u64,
    },
    MakeHost {
        from: Option<usize>,
        to: u64,
    },
    Wait(u64),
    Stage,
    Publish,
}

fn step() -> impl Strategy<Value = Step> {
    let token = || (0_u8..12).prop_map(|n| TokenHash::of(&n.to_string()));
    // Names that are in each other's way: the draws of numbers take part.
    let wanted = prop_oneof!["a", "a_[1-9]", "[ab]{1,2}"].prop_map(|it| WantedName::of(&it));
    let enter = (
        wanted,
        any::<bool>(),
        any::<bool>(),
        proptest::option::of(token()),
    )
        .prop_map(|(wanted, short, host, token)| Enter {
            wanted,
            encoding: if short { SHORT } else { FULL },
            host,
            token,
        });
    let lease = || 0_usize..8;
    prop_oneof![
        12 => enter.prop_map(Step::Enter),
        4 => (token(), 0_u64..60).prop_map(|(token, opened)| Step::Resume { token, opened }),
        12 => (lease(), proptest::option::of(0_u8..4), "[a-c]{0,3}")
            .prop_map(|(lease, id, text)| Step::Say { lease, id, text }),
        3 => lease().prop_map(Step::Leave),
        5 => lease().prop_map(Step::Lose),
        2 => Just(Step::Expire),
        2 => Just(Step::Announce),
        1 => (0_u32..3, 0_u64..40).prop_map(|(rate, grace)| Step::SetRules { rate, grace }),
        4 => moderation().prop_map(Step::Other),
        3 => (proptest::option::of(lease()), 0_u64..30)
            .prop_map(|(by, seq)| Step::Erase { by, seq }),
        1 => (proptest::option::of(lease()), 1_u64..160)
            .prop_map(|(from, to)| Step::MakeHost { from, to }),
        4 => (0_u64..30).prop_map(Step::Wait),
        3 => Just(Step::Stage),
        3 => Just(Step::Publish),
        1 => Just(Step::Close(Closing::Service { retry_ms: 1 })),
    ]
}

/// Commands of hosts and administrators.
fn moderation() -> impl Strategy<Value = Command> {
    let id = || (1_u64..160).prop_map(|id| MemberId::new(id).unwrap_or(MemberId::MIN));
    let until = || {
        (0_u64..60).prop_map(|seconds| {
            let time = Time::after(Duration::from_secs(seconds));
            (time, Timestamp::UNIX_EPOCH)
        })
    };
    let address = || (0_u8..4).prop_map(|last| IpAddr::from([10, 0, 0, last]));
    let ban = (address(), 30_u8..33, until()).prop_map(|(address, prefix, until)| Ban {
        network: Some(Network::new(address, prefix)),
        token: None,
        name: None,
        until,
    });
    prop_oneof![
        id().prop_map(|id| Command::Remove(Remove { id })),
        (id(), proptest::option::of(until()))
            .prop_map(|(id, until)| Command::Mute(Mute { id, until })),
        (0_u64..20).prop_map(|seconds| Command::Slow(Slow {
            every: Duration::from_secs(seconds)
        })),
        ban.prop_map(Command::Ban),
        address().prop_map(|ip| Command::Unban(Unban {
            whom: Banned::Address(ip)
        })),
        any::<[u8; KEY_BYTES]>().prop_map(|bytes| Command::SetKeys(SetKeys {
            keys: Keys {
                key: Some(RoomKey::from_random(bytes)),
                host_key: None,
            },
        })),
    ]
}

/// A room, and everything that can be seen of it.
struct Seen {
    room: Room,
    full: Cursor,
    short: Cursor,
    staged: Vec<Staged>,
}

impl Seen {
    fn new(seed: Seed, recorded: bool, members: usize) -> Self {
        let rules = Rules {
            max_members: 140,
            retention: Retention {
                entries: 20,
                ..Retention::default()
            },
            ..Rules::default()
        };
        let mut room = Room::new(rules, ENCODINGS, seed);
        let start = room.head();
        if recorded {
            room.start_recording();
        }
        // All numbers that are tried in order for "a" are in use: the next are drawn.
        for n in 0..members {
            let entered = room.apply(Enter {
                wanted: WantedName::of(&format!("a_{n}")),
                encoding: FULL,
                host: false,
                token: None,
            });
            assert!(entered.is_ok());
        }
        Self {
            room,
            full: start,
            short: start,
            staged: Vec::new(),
        }
    }

    /// What a reader in this encoding gets, and what everyone can ask for.
    fn look(&mut self) -> (Vec<String>, String) {
        let mut read = Vec::new();
        for (cursor, encoding) in [(&mut self.full, FULL), (&mut self.short, SHORT)] {
            let mut slices = Vec::new();
            let gap = self.room.read(cursor, encoding, &mut slices);
            let bytes: Vec<u8> = slices.iter().flat_map(|it| it.bytes().to_vec()).collect();
            read.push(format!("{gap:?} {}", String::from_utf8_lossy(&bytes)));
        }
        let room = &self.room;
        let numbers = (
            room.said(),
            room.next_seq(),
            room.oldest_seq(),
            room.away(),
            room.count(),
        );
        let points = (
            room.next_expiry(),
            room.revocations(),
            room.closed(),
            room.reached(),
        );
        let facts = (room.has_gathered(), room.is_deserted(), room.waiting());
        let moderation = (room.slow(), room.bans(), room.keys());
        let members = room.list(None, usize::MAX);
        (
            read,
            format!("{numbers:?} {points:?} {facts:?} {moderation:?} {members:?}"),
        )
    }
}

/// The command for a step, given the leases so far.
fn command(step: &Step, now: Time, leases: &[Lease]) -> Option<Command> {
    let lease = |back: usize| Some(leases[leases.len().checked_sub(back + 1)?]);
    let (time, why) = (now, Why::Lost);
    Some(match step {
        Step::Enter(enter) => Command::Enter(enter.clone()),
        Step::Resume { token, opened } => Command::Resume(Resume {
            token: *token,
            opened: Time::after(Duration::from_secs(*opened)),
        }),
        Step::Say {
            lease: back,
            id,
            text,
        } => {
            let id = id.map(|id| id.to_string());
            let say = Say {
                lease: lease(*back)?,
                draft: Draft::new(id.as_deref(), text),
                at: Timestamp::UNIX_EPOCH,
                time,
            };
            Command::Say(say.into_owned())
        }
        Step::Leave(back) => Command::Leave(Leave {
            lease: lease(*back)?,
            why,
        }),
        Step::Lose(back) => Command::Lose(Lose {
            lease: lease(*back)?,
            why,
            time,
        }),
        Step::Expire => Command::Expire(Expire { time }),
        Step::Announce => Command::Announce(Announce),
        Step::SetRules { rate, grace } => Command::SetRules(SetRules {
            rules: Rules {
                rate_limit: RateLimit::per_second(*rate),
                grace: Duration::from_secs(*grace),
                ..Rules::default()
            },
        }),
        Step::Close(closing) => Command::Close(Close { closing: *closing }),
        Step::Other(command) => command.clone(),
        Step::Erase { by, seq } => Command::Erase(Erase {
            by: match by {
                Some(back) => Eraser::Member(lease(*back)?),
                None => Eraser::Administrator,
            },
            seq: *seq,
            stored: None,
            at: Timestamp::UNIX_EPOCH,
            time,
        }),
        Step::MakeHost { from, to } => Command::MakeHost(MakeHost {
            from: from.and_then(lease),
            to: MemberId::new(*to)?,
        }),
        Step::Wait(_) | Step::Stage | Step::Publish => return None,
    })
}

proptest! {
    #[test]
    fn the_same_commands_give_the_same_room(
        steps in proptest::collection::vec(step(), 1..150),
        seed in any::<[u8; 16]>(),
        recorded in any::<bool>(),
        // In half of the runs the room is big, and collects joins and leaves.
        members in prop_oneof![Just(20), Just(SMALL_ROOM)],
    ) {
        let seed = Seed::new(seed);
        let mut one = Seen::new(seed, recorded, members);
        let mut other = Seen::new(seed, recorded, members);
        let (mut now, mut leases) = (Time::BEGINNING, Vec::new());
        for step in steps {
            if let Some(command) = command(&step, now, &leases) {
                let outcome = one.room.apply(command.clone());
                prop_assert_eq!(&outcome, &other.room.apply(command));
                match outcome {
                    Outcome::Enter(Ok(entered)) | Outcome::Resume(Ok(entered)) => {
                        leases.push(entered.lease);
                    }
                    _ => {}
                }
            }
            match step {
                Step::Wait(seconds) => now = now + Duration::from_secs(seconds),
                Step::Stage => {
                    let (first, second) = (one.room.stage(), other.room.stage());
                    prop_assert_eq!(format!("{first:?}"), format!("{second:?}"));
                    one.staged.extend(first);
                    other.staged.extend(second);
                }
                Step::Publish if !one.staged.is_empty() => {
                    one.room.publish(one.staged.remove(0).end);
                    other.room.publish(other.staged.remove(0).end);
                }
                _ => {}
            }
            prop_assert_eq!(one.look(), other.look());
        }
        // And everything inside.
        prop_assert_eq!(format!("{:?}", one.room), format!("{:?}", other.room));
    }
}
