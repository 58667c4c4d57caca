"""Uploads: streamed to quarantine, judged by a declared contract, kept under a name of our own.

    quarantine = Quarantine("/var/lib/clinic/quarantine")
    photos = Root("/var/lib/clinic/photos")

    with quarantine.receive(file, Image(), field="photo") as upload:
        stored = upload.store(photos)

`Quarantine` is the room that uploads wait in, an `Upload` one of them. The contracts are `Image`
(drawn anew), `Archive` (zip and tar, `extract`), `Csv` (rows; `csv_lines` on the way out) and
`Document` (PDF). `Clamd` looks for malware before them, a `Quota` bounds what a user keeps, and
`download_headers` are for the way out. How to: docs/how-to/take-uploads.md.

What no contract does: judge what a well-formed file says.
"""
