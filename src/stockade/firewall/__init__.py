"""The firewall: first-order injection stopped at the sink, by structure, with no list of patterns.

The question at each sink (SQL, shell, path) is one: does a value of this request change the
*structure* of what is about to run? A value may fill one whole token: the content of a literal,
or a bare name or number where the developer's text admits one. Everything else that stems from the
request is refused before it runs. Text that the application also runs without the value is not
evidence, and what cannot be parsed is not safe.

    values.py     which values of a request can change a structure at all
    engine.py     the guard of a sink: knows the mode, asks the grammar, reports and refuses
    grammars/     what a token is, one file a language
    sinks/        where Python hands text to an interpreter, one file a sink
    hook.py       the one audit hook (PEP 578) that the sinks share

It stops first-order injection through the sinks that it names. It does not stop stored values,
values that the application changed in unknown ways first, or a dangerous choice of a valid token
(`ORDER BY password`): docs/threat-model.md lists them. It fails closed for a request whose inputs
it cannot index (413), open and loudly where a sink cannot be guarded at all.
"""
