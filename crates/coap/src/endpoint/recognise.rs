//! Which options of a message are understood.

use crate::{OptionNumber, Options, OptionsRef, options::uint_value};

/// The options of a message, those of the machine taken apart from those of the application.
pub(crate) struct Recognised {
    /// What the application sees.
    pub(crate) options: Options,
    pub(crate) observe: Option<u32>,
    pub(crate) block1: Option<u32>,
    pub(crate) block2: Option<u32>,
    pub(crate) size1: Option<u32>,
    pub(crate) size2: Option<u32>,
    pub(crate) request_tag: Option<alloc::vec::Vec<u8>>,
    /// Proxy-Uri or Proxy-Scheme was there.
    pub(crate) proxy: bool,
}

/// A critical option that is not understood.
pub(crate) struct BadOption;

impl Recognised {
    /// Sorts the options of a message; elective ones that are not understood are left out.
    ///
    /// An option counts as not understood if it is unknown, of a form that its definition does not admit, or repeated
    /// against its definition (RFC 7252 5.4.1, 5.4.3, 5.4.5).
    pub(crate) fn read(raw: OptionsRef<'_>) -> Result<Self, BadOption> {
        let mut recognised = Self {
            options: Options::new(),
            observe: None,
            block1: None,
            block2: None,
            size1: None,
            size2: None,
            request_tag: None,
            proxy: false,
        };
        let mut previous = None;
        for option in raw {
            let understood = option.number.properties().is_some_and(|properties| {
                properties.admits(option.value)
                    && (properties.repeatable || previous != Some(option.number))
            });
            previous = Some(option.number);
            if !understood {
                if option.number.is_critical() {
                    return Err(BadOption);
                }
                continue;
            }
            let number = uint_value(option.value);
            match option.number {
                OptionNumber::OBSERVE => recognised.observe = number,
                OptionNumber::BLOCK1 => recognised.block1 = number,
                OptionNumber::BLOCK2 => recognised.block2 = number,
                OptionNumber::SIZE1 => recognised.size1 = number,
                OptionNumber::SIZE2 => recognised.size2 = number,
                OptionNumber::REQUEST_TAG => recognised.request_tag = Some(option.value.to_vec()),
                OptionNumber::PROXY_URI | OptionNumber::PROXY_SCHEME => recognised.proxy = true,
                other => recognised.options.push(other, option.value),
            }
        }
        Ok(recognised)
    }
}
