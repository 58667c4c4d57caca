"""Bodies by kind, one file each: what is read in one way only passes, everything else is refused.

`media_type` says which kind a body is of; `stockade.boundary.body.check_body` then asks
`strict_json`, `json_lines`, `form`, `multipart` (with `part` for the head of each part) or
`xml_document`. `decoding` gives the same bodies as Python objects to callers without a web
framework; `graphql_document` measures what such a document asks for. Each refusal is a `Rejected`
whose rule begins with `body.`:

| rule | status | what |
| --- | --- | --- |
| `content-type` | 400 | the Content-Type is no media type, or is malformed |
| `media-type` | 415 | `decode` was asked for a kind that it does not read |
| `charset` | 415 | another charset than UTF-8 is declared, for the body or for a part |
| `encoding` | 400 | the bytes are not UTF-8 |
| `json`, `lines`, `form`, `multipart`, `part`, `xml` | 400 | malformed, or read in two ways |
| `depth` | 400 | nested too deeply |
| `number`, `duplicate` | 422 | a number out of range, a key twice |
| `double-encoding` | 400 | a control character, encoded more than once |
| `fields`, `field-size` | 413 | too many fields or parts, or one that is too large |
| `transfer-encoding` | 415 | a part is encoded, which only some parsers undo |
| `graphql` | 400 | no executable GraphQL document, where `[graphql]` has one judged |
| `doctype`, `external` | 422 | XML that declares a document type, or names other documents |
"""
