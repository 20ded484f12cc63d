/** What a method and a field's name are made of, as a whole word. RFC 9110 §5.6.2 */
export const HTTP_TOKEN: RegExp = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * What a field's value may hold, as text that is sent as UTF-8: a line break in it would be a second field, or a second
 * request. RFC 9110 §5.5
 */
export const HTTP_FIELD_VALUE: RegExp = /^[\t\x20-\x7e\x80-\ud7ff\ue000-\u{10ffff}]*$/u;
