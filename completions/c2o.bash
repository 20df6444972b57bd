# bash completion for c2o
# Made by c2o; c2o completions install renews it.  Digest of the rest: 4515946fedd7c53d

_c2o() {
  local IFS=$' \t\n' c2o=$1 words raw word current quote= lead= skip= option= path=c2o position=0 argument= at last
  COMPREPLY=()
  _c2o_join
  last=$((${#words[@]} - 1)) current=${words[${#words[@]} - 1]}
  for ((at = 1; at < last; at++)); do
    word=${words[at]}
    if [[ $option ]]; then
      option=
      continue
    fi
    case "$path:$word" in
      "c2o:claude" | "c2o claude:off" | "c2o claude:on" | "c2o claude:status" | "c2o:completions" | "c2o completions:install" | "c2o completions:show" | "c2o completions:uninstall" | "c2o:config" | "c2o config:edit" | "c2o config:get" | "c2o config:path" | "c2o config:schema" | "c2o config:set" | "c2o config:unset" | "c2o config:validate" | "c2o:demo" | "c2o demo:claude" | "c2o:doctor" | "c2o:env" | "c2o:init" | "c2o:learned" | "c2o:logs" | "c2o:models" | "c2o:restart" | "c2o:run" | "c2o:serve" | "c2o:service" | "c2o service:install" | "c2o service:print" | "c2o service:status" | "c2o service:uninstall" | "c2o:start" | "c2o:status" | "c2o:stop" | "c2o:test" | "c2o:trace" | "c2o trace:clear" | "c2o trace:export" | "c2o trace:off" | "c2o trace:on" | "c2o trace:replay" | "c2o trace:show" | "c2o:uninstall" | "c2o:upgrade" | "c2o:usage") path="$path $word" ;;
      "c2o claude off:--scope" | "c2o claude on:--scope" | "c2o demo:--pace" | "c2o doctor:--only" | "c2o doctor:--bundle" | "c2o doctor:--trace" | "c2o env:--shell" | "c2o env:--format" | "c2o env:--model" | "c2o env:--upstream" | "c2o init:--upstream" | "c2o init:--import" | "c2o init:--name" | "c2o init:--key-env" | "c2o init:--model" | "c2o init:--map" | "c2o init:--port" | "c2o logs:--lines" | "c2o logs:-n" | "c2o logs:--since" | "c2o logs:--level" | "c2o logs:--request" | "c2o restart:--port" | "c2o restart:--wait" | "c2o run:--model" | "c2o run:--upstream" | "c2o serve:--port" | "c2o service install:--manager" | "c2o service print:--manager" | "c2o start:--port" | "c2o start:--wait" | "c2o trace export:--to" | "c2o trace on:--for" | "c2o trace on:--max" | "c2o trace replay:--model" | "c2o usage:--by" | "c2o usage:--since") option=$word ;;
      *:-?*) ;;
      *) position=$((position + 1)) argument=${word//[\"\'\\]/} ;;
    esac
    case "$path:$position" in
      "c2o demo claude:0" | "c2o run:1")
        _c2o_command "$at"
        return
        ;;
    esac
  done
  if [[ ! $option && $current == --*=* ]]; then
    option=${current%%=*} lead=${current%%=*}= current=${current#*=}
  fi
  _c2o_unquote
  if [[ ! $option && $current == -* ]]; then
    _c2o_options
  else
    _c2o_values
  fi
}

# What stands on the line without a space between is one word, whatever readline cuts it into.
_c2o_join() {
  local rest=$COMP_LINE at behind
  words=() raw=()
  for ((at = 0; at <= COMP_CWORD; at++)); do
    if ((at == 0)) || [[ $rest == [[:space:]]* ]]; then
      words[${#words[@]}]= raw[${#raw[@]}]=$at
    fi
    rest=${rest#"${rest%%[![:space:]]*}"}
    words[${#words[@]} - 1]+=${COMP_WORDS[at]}
    rest=${rest#"${COMP_WORDS[at]}"}
  done
  behind=$((${#COMP_LINE} - ${#rest} - COMP_POINT)) # of the word, what stands behind the cursor
  if ((behind > 0)); then
    at=$((${#words[@]} - 1))
    words[at]=${words[at]:0:${#words[at]}-behind}
  fi
}

# What was typed, without quotes and backslashes; and how much of it readline keeps.
_c2o_unquote() {
  local breaks=
  if [[ $current == [\"\']* ]]; then
    quote=${current:0:1} current=${current:1} skip=$lead
  else
    skip=$lead$current
    [[ $current != *\\* ]] || IFS= read current <<<"$current"
  fi
  [[ $COMP_WORDBREAKS != *:* ]] || breaks=:
  [[ $COMP_WORDBREAKS != *=* ]] || breaks=$breaks=
  [[ $breaks ]] || breaks=/ skip=
  skip=${skip%"${skip##*[$breaks]}"}
  while [[ $skip == *\\? ]]; do # readline doesn't cut there
    skip=${skip%??} skip=${skip%"${skip##*[$breaks]}"}
  done
  [[ $skip != *\\* ]] || IFS= read skip <<<"$skip"
}

_c2o_offer() {
  local value
  for value; do
    if [[ $value == "$current"* ]]; then
      value=$lead$value
      value=${value#"$skip"}
      [[ $quote ]] || printf -v value %q "$value"
      COMPREPLY[${#COMPREPLY[@]}]=$value
    fi
  done
}

_c2o_ask() {
  local value rest
  while IFS=$'\t' read -r value rest; do
    [[ ! $value ]] || _c2o_offer "$value"
  done <<<"$("${c2o/#\~\//${HOME-}/}" __complete "$1" "${current:0:200}" "${@:2}" 2>/dev/null </dev/null)"
}

# TIER=MODEL
_c2o_tiers() {
  if [[ $current == *=* ]]; then
    lead=$lead${current%%=*}= current=${current#*=}
    _c2o_ask ids
  else
    compopt -o nospace 2>/dev/null
    _c2o_offer "${@/%/=}"
  fi
}

# The variables that look like keys; all, if none does.  $1 is put before their names.
_c2o_variables() {
  local name
  for name in $(compgen -e); do
    case $name in *KEY* | *TOKEN* | *SECRET*) _c2o_offer "$1$name" ;; esac
  done
  if ((${#COMPREPLY[@]} == 0)); then
    for name in $(compgen -e); do
      _c2o_offer "$1$name"
    done
  fi
}

_c2o_files() {
  local IFS=$'\n'
  compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "$current"))
}

# From this word on it is another program's command line.
_c2o_command() {
  if (($1 == last)) && [[ ! $current ]]; then
    _c2o_offer claude
  elif declare -F _comp_command_offset >/dev/null; then
    _comp_command_offset "${raw[$1]}"
  elif declare -F _command_offset >/dev/null; then
    _command_offset "${raw[$1]}"
  elif (($1 == last)); then
    COMPREPLY=($(compgen -c -- "$current"))
  else
    _c2o_files
  fi
}

_c2o_options() {
  case $path in
    "c2o") _c2o_offer --version --install-completion --show-completion --help -h ;;
    "c2o claude") _c2o_offer --help -h ;;
    "c2o claude off") _c2o_offer --scope --dry-run --json --help -h ;;
    "c2o claude on") _c2o_offer --scope --dry-run --force --json --help -h ;;
    "c2o claude status") _c2o_offer --json --help -h ;;
    "c2o completions") _c2o_offer --help -h ;;
    "c2o completions install") _c2o_offer --dry-run --force --json --help -h ;;
    "c2o completions show") _c2o_offer --json --help -h ;;
    "c2o completions uninstall") _c2o_offer --json --help -h ;;
    "c2o config") _c2o_offer --help -h ;;
    "c2o config edit") _c2o_offer --restart --json --help -h ;;
    "c2o config get") _c2o_offer --json --help -h ;;
    "c2o config path") _c2o_offer --json --help -h ;;
    "c2o config schema") _c2o_offer --json --help -h ;;
    "c2o config set") _c2o_offer --restart --json --help -h ;;
    "c2o config unset") _c2o_offer --restart --json --help -h ;;
    "c2o config validate") _c2o_offer --json --help -h ;;
    "c2o demo") _c2o_offer --pace --json --help -h ;;
    "c2o doctor") _c2o_offer --strict --probe --no-probe --only --fix --yes -y --bundle --trace --json --help -h ;;
    "c2o env") _c2o_offer --shell --format --model --upstream --no-start --json --help -h ;;
    "c2o init") _c2o_offer --upstream --import --name --key-env --no-key --model --map --port --service --no-service --save-keys --claude --no-claude --completions --no-completions --yes -y --dry-run --no-test --probe --force --json --help -h ;;
    "c2o learned") _c2o_offer --json --help -h ;;
    "c2o logs") _c2o_offer --follow -f --lines -n --since --level --request --json --help -h ;;
    "c2o models") _c2o_offer --refresh --json --help -h ;;
    "c2o restart") _c2o_offer --port --wait --json --help -h ;;
    "c2o run") _c2o_offer --model --upstream --no-start --json --help -h ;;
    "c2o serve") _c2o_offer --port --json --help -h ;;
    "c2o service") _c2o_offer --help -h ;;
    "c2o service install") _c2o_offer --manager --now --no-linger --save-keys --json --help -h ;;
    "c2o service print") _c2o_offer --manager --json --help -h ;;
    "c2o service status") _c2o_offer --json --help -h ;;
    "c2o service uninstall") _c2o_offer --json --help -h ;;
    "c2o start") _c2o_offer --port --wait --json --help -h ;;
    "c2o status") _c2o_offer --json --help -h ;;
    "c2o stop") _c2o_offer --keep-settings --json --help -h ;;
    "c2o test") _c2o_offer --all --text --stream --tools --thinking --image --no-start --json --help -h ;;
    "c2o trace") _c2o_offer --json --help -h ;;
    "c2o trace clear") _c2o_offer --json --help -h ;;
    "c2o trace export") _c2o_offer --to --json --help -h ;;
    "c2o trace off") _c2o_offer --json --help -h ;;
    "c2o trace on") _c2o_offer --for --max --json --help -h ;;
    "c2o trace replay") _c2o_offer --model --json --help -h ;;
    "c2o trace show") _c2o_offer --full --json --help -h ;;
    "c2o uninstall") _c2o_offer --purge --dry-run --yes -y --json --help -h ;;
    "c2o upgrade") _c2o_offer --yes -y --dry-run --json --help -h ;;
    "c2o usage") _c2o_offer --by --since --json --help -h ;;
  esac
}

_c2o_values() {
  case "$path:${option:-$position}" in
    "c2o:0") _c2o_offer claude completions config demo doctor env init learned logs models restart run serve service start status stop test trace uninstall upgrade usage ;;
    "c2o claude:0") _c2o_offer off on status ;;
    "c2o claude off:--scope") _c2o_offer user project ;;
    "c2o claude on:--scope") _c2o_offer user project ;;
    "c2o completions:0") _c2o_offer install show uninstall ;;
    "c2o completions install:0") _c2o_offer bash zsh fish ;;
    "c2o completions show:0") _c2o_offer bash zsh fish ;;
    "c2o config:0") _c2o_offer edit get path schema set unset validate ;;
    "c2o config get:0") _c2o_offer server upstreams models routes limits prices server.auth_token server.host server.port server.allow_remote server.repair_history routes.background routes.subagent routes.think.model routes.think.effort routes.image routes.web_search routes.long_context.model routes.long_context.above models.default models.opus models.sonnet models.haiku models.fable; _c2o_ask keys upstreams:base_url,api_key,api,dialect,quirks,headers,extra_body,omit,requests_per_minute,max_concurrency,timeouts.connect,timeouts.first_byte,timeouts.idle,timeouts.total,timeouts.write,proxy,ca,client_cert limits:context_window,max_output_tokens prices:input,output,cache_read,cache_write ;;
    "c2o config set:0") _c2o_offer server upstreams models routes limits prices server.auth_token server.host server.port server.allow_remote server.repair_history routes.background routes.subagent routes.think.model routes.think.effort routes.image routes.web_search routes.long_context.model routes.long_context.above models.default models.opus models.sonnet models.haiku models.fable; _c2o_ask keys upstreams:base_url,api_key,api,dialect,quirks,headers,extra_body,omit,requests_per_minute,max_concurrency,timeouts.connect,timeouts.first_byte,timeouts.idle,timeouts.total,timeouts.write,proxy,ca,client_cert limits:context_window,max_output_tokens prices:input,output,cache_read,cache_write ;;
    "c2o config set:1") _c2o_settings ;;
    "c2o config unset:0") _c2o_offer server upstreams models routes limits prices server.auth_token server.host server.port server.allow_remote server.repair_history routes.background routes.subagent routes.think.model routes.think.effort routes.image routes.web_search routes.long_context.model routes.long_context.above models.default models.opus models.sonnet models.haiku models.fable; _c2o_ask keys upstreams:base_url,api_key,api,dialect,quirks,headers,extra_body,omit,requests_per_minute,max_concurrency,timeouts.connect,timeouts.first_byte,timeouts.idle,timeouts.total,timeouts.write,proxy,ca,client_cert limits:context_window,max_output_tokens prices:input,output,cache_read,cache_write ;;
    "c2o config validate:0") _c2o_files ;;
    "c2o demo:0") _c2o_offer claude ;;
    "c2o demo claude:0") _c2o_command $last ;;
    "c2o doctor:--only") _c2o_offer install.version install.pth config.file perm.config perm.state config.key service.manager service.unit.stale service.linger service.env.missing_key service.remote port.foreign service.running daemon.version_skew config.changed upstream.key_missing config.broken config.restart service.problems upstream.answer upstream.busy upstream.connection upstream.key upstream.list upstream.model upstream.models upstream.quota upstream.slow upstream.stream upstream.tool upstream.url network.proxy_env upstream.num_ctx upstream.window claude.binary claude.settings.jsonc claude.managed claude.settings.shadowed claude.settings.env claude.base_url.v1 settings.points_to_dead claude.env.http_proxy claude.env.bedrock claude.env.api_key claude.login_key claude.primary_key claude.refused_key ;;
    "c2o doctor:--bundle") _c2o_files ;;
    "c2o doctor:--trace") _c2o_ask traces ;;
    "c2o env:--shell") _c2o_offer bash fish pwsh ;;
    "c2o env:--format") _c2o_offer shell dotenv json vscode ;;
    "c2o env:--model") _c2o_ask models ;;
    "c2o env:--upstream") _c2o_ask upstreams ;;
    "c2o init:--upstream") _c2o_offer nim openai deepseek openrouter gemini mistral groq moonshot zai minimax qwen xai cerebras together fireworks huggingface copilot ollama lmstudio vllm sglang llamacpp litellm newapi demo ;;
    "c2o init:--import") _c2o_offer ccr litellm cc-switch claude-code-proxy; _c2o_files ;;
    "c2o init:--key-env") _c2o_variables '' ;;
    "c2o init:--model") _c2o_ask ids ;;
    "c2o init:--map") _c2o_tiers opus sonnet haiku fable ;;
    "c2o learned:0") _c2o_offer list clear ;;
    "c2o learned:1") _c2o_ask targets ;;
    "c2o logs:--since") _c2o_offer 10m 1h 1d ;;
    "c2o logs:--level") _c2o_offer debug info warning error ;;
    "c2o logs:--request") _c2o_ask requests ;;
    "c2o models:0") _c2o_ask upstreams ;;
    "c2o run:--model") _c2o_ask models ;;
    "c2o run:--upstream") _c2o_ask upstreams ;;
    "c2o run:0") _c2o_command $last ;;
    "c2o service:0") _c2o_offer install print status uninstall ;;
    "c2o service install:--manager") _c2o_offer systemd launchd detached ;;
    "c2o service print:--manager") _c2o_offer systemd launchd detached ;;
    "c2o test:0") _c2o_ask models ;;
    "c2o trace:0") _c2o_offer clear export off on replay show ;;
    "c2o trace export:--to") _c2o_files ;;
    "c2o trace export:0") _c2o_ask traces ;;
    "c2o trace on:--for") _c2o_offer 10m 1h ;;
    "c2o trace on:--max") _c2o_offer 100 64MB ;;
    "c2o trace replay:--model") _c2o_ask models ;;
    "c2o trace replay:0") _c2o_ask traces ;;
    "c2o trace show:0") _c2o_ask traces ;;
    "c2o usage:--by") _c2o_offer day model tier session ;;
    "c2o usage:--since") _c2o_offer 1d 7d 31d ;;
  esac
}

# What the configuration may hold at a key.
_c2o_settings() {
  case $argument in
    server.allow_remote) _c2o_offer true false ;;
    server.repair_history) _c2o_offer true false ;;
    upstreams.*.api) _c2o_offer chat responses anthropic ;;
    routes.background) _c2o_ask models ;;
    routes.subagent) _c2o_ask models ;;
    routes.think.model) _c2o_ask models ;;
    routes.think.effort) _c2o_offer low medium high xhigh max ;;
    routes.image) _c2o_ask models ;;
    routes.web_search) _c2o_ask models ;;
    routes.long_context.model) _c2o_ask models ;;
    upstreams.*.dialect) _c2o_offer anthropic azure cerebras copilot deepseek fireworks gemini generic groq huggingface litellm llamacpp lmstudio minimax mistral moonshot newapi nim ollama openai openrouter perplexity qwen sglang together vllm xai zai ;;
    upstreams.*.api_key) _c2o_variables env: ;;
    models.*) _c2o_ask models ;;
  esac
}

complete -F _c2o c2o
