//! Macros by which each frame and each code is defined in one place.

/// The side of a connection that sends a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client sends it.
    Client,
    /// The server sends it.
    Server,
}

/// What docs/protocol.md says about a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    /// The frame's name: its key.
    pub name: &'static str,
    /// The sender.
    pub from: Side,
    /// The keys of its content, the optional ones too.
    pub fields: &'static [&'static str],
    /// The first version of the program that has the frame.
    pub since: &'static str,
}

/// The content of a frame.
pub(super) trait Content {
    /// Its keys.
    const FIELDS: &'static [&'static str];
}

/// Defines the content of a frame. `=> kind` behind a field names the function of
/// [`clean`](super::clean) that makes its owned and clean copy; without kinds there is no
/// such copy.
macro_rules! content {
    (
        $(#[$meta:meta])*
        pub struct $name:ident<$life:lifetime> {
            $($(#[$field_meta:meta])* pub $field:ident: $type:ty => $kind:ident,)*
        }
    ) => {
        content! {
            $(#[$meta])*
            pub struct $name<$life> { $($(#[$field_meta])* pub $field: $type,)* }
        }

        impl $crate::protocol::native::frame::IntoClean for $name<'_> {
            type Owned = $name<'static>;

            fn into_clean(self) -> Self::Owned {
                $name {
                    $($field: $crate::protocol::native::frame::clean::$kind(self.$field),)*
                }
            }
        }
    };
    (
        $(#[$meta:meta])*
        pub struct $name:ident $(<$life:lifetime>)? {
            $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        pub struct $name $(<$life>)? { $($(#[$field_meta])* pub $field: $type,)* }

        impl $(<$life>)? $crate::protocol::native::frame::define::Content for $name $(<$life>)? {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];
        }
    };
}

/// Defines the frames of one side: the enum, and reading and listing them by their names.
macro_rules! frames {
    (
        $(#[$meta:meta])*
        pub enum $set:ident<$life:lifetime> from $side:ident {
            $(
                $(#[$frame_meta:meta])*
                $name:literal since $since:literal => $frame:ident($content:ty),
            )+
            $(else $(#[$else_meta:meta])* $else:ident $else_fields:tt by $unknown:path)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, serde::Serialize)]
        pub enum $set<$life> {
            $(
                $(#[$frame_meta])*
                #[serde(rename = $name)]
                $frame($content),
            )+
            $($(#[$else_meta])* #[serde(skip)] $else $else_fields,)?
        }

        impl<$life> $set<$life> {
            /// The frames of this side, in the order of docs/protocol.md.
            pub const FRAMES: &'static [FrameInfo] = &[$(FrameInfo {
                name: $name,
                from: Side::$side,
                fields: <$content as Content>::FIELDS,
                since: $since,
            }),+];
        }

        impl<$life> Frames<$life> for $set<$life> {
            const FRAMES: &'static [FrameInfo] = $set::FRAMES;

            fn read<A: serde::de::MapAccess<$life>>(
                name: &str,
                content: &mut A,
            ) -> Result<Read<Self>, A::Error> {
                match name {
                    $($name => {
                        let content = content.next_value::<Option<_>>()?;
                        Ok(content.map_or(Read::Nothing, |it| Read::Known(Self::$frame(it))))
                    })+
                    _ => frames!(@unknown content $($unknown)?),
                }
            }
        }
    };
    (@unknown $content:ident) => {
        $content.next_value().map(|serde::de::IgnoredAny| Read::Nothing)
    };
    (@unknown $content:ident $unknown:path) => {
        $content.next_value().map($unknown)
    };
}

/// Defines the codes of a kind of frame, and `Unknown` for those of other versions.
macro_rules! codes {
    (
        $(#[$meta:meta])*
        pub enum $set:ident {
            $($(#[$code_meta:meta])* $code:ident = $name:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum $set {
            $($(#[$code_meta])* #[serde(rename = $name)] $code,)+
            /// A code that this version does not know.
            #[serde(rename = "unknown", other)]
            Unknown,
        }

        impl $set {
            /// The codes that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$code),+];

            /// The code on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)+
                    Self::Unknown => "unknown",
                }
            }
        }
    };
}

pub(super) use {codes, content, frames};
