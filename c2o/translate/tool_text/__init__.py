"""Tool calls that a model wrote as text, because its server has no parser for the form that the model was trained on.

Text of any cut goes in; what comes out is text to show, and calls.  Only the name of a tool that the request has makes
a call; and only where a model would put one: at the start of a line for the forms that people quote, never in a code
fence or between backticks.  Ordinary text waits only while it may still be the beginning of such a call.

- ``families``  how the families of models write their calls, as data
- ``opening``   finding the beginning of one
- ``place``     where in the answer a text has got to
- ``readers``   one for each shape that arguments come in
- ``scanner``   the three put together
"""

from c2o.translate.tool_text.readers import Said
from c2o.translate.tool_text.scanner import ToolText

__all__ = ["Said", "ToolText"]
