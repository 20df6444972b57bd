"""A model that says what a script says, for real servers that need one: what it consists of.

It has no attention and no knowledge: its embedding is the identity and its output matrix says "after token A
comes token B".  Each script is cut into tokens that occur nowhere else, so that following them from the script's
first token speaks it to its end.  The chat template picks that first token from the conversation and shortens the
prompt, which keeps any request fast.

Runs beside the servers, in environments without c2o: nothing but the standard library is imported.
"""

SCRIPTS = {
    "hello": "Hello from the script. Über 日本語 🎉",
    "bash": 'Let us see.<tool_call>{"name": "Bash", "arguments": {"command": "echo from-$((40 + 2))"}}</tool_call>',
    "two": '<tool_call>{"name": "Read", "arguments": {"file_path": "/one.txt"}}</tool_call>\n'
    '<tool_call>{"name": "Read", "arguments": {"file_path": "/two.txt"}}</tool_call>',
    "think": "<think>I should ponder this first.</think>Forty-two.",
    "final": "The tool has answered, so the work is finished.",
}
"""``[[name]]`` in what the user says after the last answer picks a script; results of tools pick "final"."""

TEMPLATE = r"""
{%- set chosen = namespace(script='hello') %}
{%- for tool in tools or [] %}{{- '<tool>' + tool.function.name + '</tool>\n' }}{%- endfor %}
{%- for message in messages %}
  {%- set content = message.content if message.content is string else '' %}
  {%- set said = content if '[[whole]]' in content else content[-200:] %}
  {%- if message.role == 'assistant' %}
    {%- set chosen.script = 'hello' %}
    {{- '<|im_start|>assistant\n' }}
    {%- if message.reasoning_content %}{{- '<think>' + message.reasoning_content + '</think>' }}{%- endif %}
    {{- said }}
    {%- for call in message.tool_calls or [] %}
      {{- '<tool_call>{"name": "' + call.function.name + '", "arguments": ' }}
      {{- call.function.arguments if call.function.arguments is string else call.function.arguments | tojson }}
      {{- '}</tool_call>' }}
    {%- endfor %}
    {{- '<|im_end|>\n' }}
  {%- elif message.role == 'tool' %}
    {%- set chosen.script = 'final' %}
    {{- '<|im_start|>user\n<tool_response>\n' + said + '\n</tool_response><|im_end|>\n' }}
  {%- else %}
    {{- '<|im_start|>' + message.role + '\n' + said + '<|im_end|>\n' }}
    {%- for name in NAMES %}
      {%- if message.role == 'user' and '[[' + name + ']]' in content %}{%- set chosen.script = name %}{%- endif %}
    {%- endfor %}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n<|' + chosen.script + '|>' }}{%- endif %}
""".strip().replace("NAMES", repr(list(SCRIPTS)))


def byte_letters() -> list[str]:
    """The letter that stands for each byte in a byte-level vocabulary, as GPT-2 defined it.

    Printable Latin-1 stands for itself; the other bytes take the letters from U+0100 on, in order.
    """
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


def unique_pieces(script: str, taken: set[str]) -> list[str]:
    """``script`` cut into short pieces of which none is taken or occurs twice."""
    pieces: list[str] = []
    while script:
        sizes = range(2, len(script) + 1)
        if size := next((n for n in sizes if script[:n] not in taken and script[:n] not in pieces), 0):
            pieces.append(script[:size])
            script = script[size:]
        else:  # the rest is no piece of its own
            script = pieces.pop() + script
            if script not in taken and script not in pieces:
                return [*pieces, script]
    return pieces
