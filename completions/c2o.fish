# fish completion for c2o
# Made by c2o; c2o completions install renews it.  Digest of the rest: f8c136ee650c7b4e

function __c2o_complete
    set -l words (commandline -opc)
    set -g __c2o_program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -g __c2o_current (commandline -ct)
    set -g __c2o_argument ''
    set -l path c2o
    set -l option ''
    set -l position 0
    set -l at 0
    set -e words[1]
    for word in $words
        set at (math $at + 1)
        if test -n "$option"
            set option ''
            continue
        end
        switch "$path:$word"
            case 'c2o:claude' 'c2o claude:off' 'c2o claude:on' 'c2o claude:status' 'c2o:completions' 'c2o completions:install' 'c2o completions:show' 'c2o completions:uninstall' 'c2o:config' 'c2o config:edit' 'c2o config:get' 'c2o config:path' 'c2o config:schema' 'c2o config:set' 'c2o config:unset' 'c2o config:validate' 'c2o:demo' 'c2o demo:claude' 'c2o:doctor' 'c2o:env' 'c2o:init' 'c2o:learned' 'c2o:logs' 'c2o:models' 'c2o:restart' 'c2o:run' 'c2o:serve' 'c2o:service' 'c2o service:install' 'c2o service:print' 'c2o service:status' 'c2o service:uninstall' 'c2o:start' 'c2o:status' 'c2o:stop' 'c2o:test' 'c2o:trace' 'c2o trace:clear' 'c2o trace:export' 'c2o trace:off' 'c2o trace:on' 'c2o trace:replay' 'c2o trace:show' 'c2o:uninstall' 'c2o:upgrade' 'c2o:usage'
                set path "$path $word"
            case 'c2o claude off:--scope' 'c2o claude on:--scope' 'c2o demo:--pace' 'c2o doctor:--only' 'c2o doctor:--bundle' 'c2o doctor:--trace' 'c2o env:--shell' 'c2o env:--format' 'c2o env:--model' 'c2o env:--upstream' 'c2o init:--upstream' 'c2o init:--import' 'c2o init:--name' 'c2o init:--key-env' 'c2o init:--model' 'c2o init:--map' 'c2o init:--port' 'c2o logs:--lines' 'c2o logs:-n' 'c2o logs:--since' 'c2o logs:--level' 'c2o logs:--request' 'c2o restart:--port' 'c2o restart:--wait' 'c2o run:--model' 'c2o run:--upstream' 'c2o serve:--port' 'c2o service install:--manager' 'c2o service print:--manager' 'c2o start:--port' 'c2o start:--wait' 'c2o trace export:--to' 'c2o trace on:--for' 'c2o trace on:--max' 'c2o trace replay:--model' 'c2o usage:--by' 'c2o usage:--since'
                set option $word
            case '*:-*'
            case '*'
                set position (math $position + 1)
                set __c2o_argument $word
        end
        switch "$path:$position"
            case 'c2o demo claude:0' 'c2o run:1'
                __c2o_command $words[$at..-1]
                return
        end
    end
    if test -z "$option"; and string match -qr '^--[^=]+=' -- "$__c2o_current"
        set -l lead (string replace -r '=.*' '=' -- "$__c2o_current")
        set __c2o_current (string replace -r '^[^=]*=' '' -- "$__c2o_current")
        __c2o_values "$path:"(string trim -rc = -- $lead) | string replace -r '^' -- $lead
    else if test -z "$option"; and string match -q -- '-*' "$__c2o_current"
        __c2o_options $path
    else
        test -n "$option"; or set option $position
        __c2o_values "$path:$option"
    end
end

# Words, each with its meaning.
function __c2o_offer
    printf '%s\t%s\n' $argv
end

function __c2o_ask
    $__c2o_program __complete $argv[1] '' $argv[2..-1] 2>/dev/null </dev/null
end

# TIER=MODEL
function __c2o_tiers
    if set -l tier (string match -r '^[^=]*=' -- "$__c2o_current")
        __c2o_ask ids | string replace -r '^' -- $tier
    else
        printf '%s=\n' $argv
    end
end

# The variables that look like keys; all, if none does.  The argument is put before their names.
function __c2o_variables
    set -l names (set -nx)
    set -l likely (string match -r '.*(?:KEY|TOKEN|SECRET).*' -- $names)
    test -n "$likely"; and set names $likely
    printf "$argv[1]%s\n" $names
end

function __c2o_files
    __fish_complete_path "$__c2o_current"
end

# What follows is another program's command line.
function __c2o_command
    if test -z "$argv$__c2o_current"
        echo claude
    else
        complete -C (string join ' ' -- (string escape -- $argv) "$__c2o_current")
    end
end

function __c2o_options
    switch $argv[1]
        case c2o
            __c2o_offer --version 'Print the version and exit' --install-completion 'The same as: c2o completions install' --show-completion 'The same as: c2o completions show' --help 'Show the help' -h 'Show the help'
        case 'c2o claude'
            __c2o_offer --help 'Show the help' -h 'Show the help'
        case 'c2o claude off'
            __c2o_offer --scope 'Only this one; otherwise whatever leads to c2o' --dry-run 'Show what would change; change nothing' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o claude on'
            __c2o_offer --scope 'All your projects, or this folder\'s (.claude/settings.local.json)' --dry-run 'Show what would change; change nothing' --force 'Even if nothing would start the service again' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o claude status'
            __c2o_offer --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o completions'
            __c2o_offer --help 'Show the help' -h 'Show the help'
        case 'c2o completions install'
            __c2o_offer --dry-run 'Show what would change; change nothing' --force 'Also over a file that isn\'t c2o\'s, or that was changed' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o completions show'
            __c2o_offer --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o completions uninstall'
            __c2o_offer --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o config'
            __c2o_offer --help 'Show the help' -h 'Show the help'
        case 'c2o config edit'
            __c2o_offer --restart 'Have a running service follow at once' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o config get'
            __c2o_offer --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o config path'
            __c2o_offer --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o config schema'
            __c2o_offer --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o config set'
            __c2o_offer --restart 'Have a running service follow at once' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o config unset'
            __c2o_offer --restart 'Have a running service follow at once' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o config validate'
            __c2o_offer --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o demo'
            __c2o_offer --pace 'Pause between two words of the answer' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o doctor'
            __c2o_offer --strict 'Fail on warnings too' --probe 'Ask each upstream for all that it can do, and remember it; or don\'t ask the upstreams at all' --no-probe 'Ask each upstream for all that it can do, and remember it; or don\'t ask the upstreams at all' --only 'Only what finds this, and what it needs; more than once' --fix 'Show what can be put right here, and do it if you agree' --yes 'With --fix: agree to everything' -y 'With --fix: agree to everything' --bundle 'Write a zip for a bug report, without secrets' --trace 'In the bundle: this request, prompt and answer too' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o env'
            __c2o_offer --shell 'Whose words to use; your shell\'s, if it isn\'t said' --format 'Commands for a shell, a .env file, JSON, or VS Code\'s settings' --model 'A configured name, or upstream/model' --upstream 'Everything goes to this upstream' --no-start 'Fail if the service isn\'t running' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o init'
            __c2o_offer --upstream 'One of nim, openai, deepseek, openrouter, gemini, mistral, groq, moonshot, zai, minimax, qwen, xai, cerebras, together, fireworks, huggingface, copilot, ollama, lmstudio, vllm, sglang, llamacpp, litellm, newapi, demo; or any address' --import 'Take over the configuration of ccr, litellm, cc-switch or claude-code-proxy' --name 'What to call it in the configuration' --key-env 'The variable that its key is in' --no-key 'It needs no key' --model 'The model for everything' --map 'Another one for opus, sonnet or haiku' --port 'Where c2o is to listen; 0 takes a free one' --service 'Have the system keep the service running' --no-service 'Have the system keep the service running' --save-keys 'Keep keys that only this shell has in a file that only you can read' --claude 'Lead plain claude to c2o by its settings' --no-claude 'Lead plain claude to c2o by its settings' --completions 'Have your shell complete c2o\'s commands' --no-completions 'Have your shell complete c2o\'s commands' --yes 'Ask nothing' -y 'Ask nothing' --dry-run 'Show what would be written; try and change nothing' --no-test 'Write it without trying it' --probe 'Try all that the models can do, not just what is needed' --force 'Begin anew; the old file is kept as config.toml.bak' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o learned'
            __c2o_offer --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o logs'
            __c2o_offer --follow 'Go on with what is logged, until Ctrl-C' -f 'Go on with what is logged, until Ctrl-C' --lines 'The last N lines; otherwise 50' -n 'The last N lines; otherwise 50' --since 'From then on: 10m, 2h, 14:30, 2026-11-21T14:30' --level 'This and worse: debug, info, warning, error' --request 'The request with this id, explained' --json 'Print each line as JSON' --help 'Show the help' -h 'Show the help'
        case 'c2o models'
            __c2o_offer --refresh 'Ask again, though it was asked within a day' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o restart'
            __c2o_offer --port 'Instead of the configuration\'s; 0 takes a free one' --wait 'How long the service may take to be ready' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o run'
            __c2o_offer --model 'A configured name, or upstream/model' --upstream 'Everything goes to this upstream' --no-start 'Fail if the service isn\'t running' --json 'Tell of a failure in JSON' --help 'Show the help' -h 'Show the help'
        case 'c2o serve'
            __c2o_offer --port 'Instead of the configuration\'s; 0 takes a free one' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o service'
            __c2o_offer --help 'Show the help' -h 'Show the help'
        case 'c2o service install'
            __c2o_offer --manager 'Instead of the best that works here' --now 'Start the service as well, and hand over one that runs' --no-linger 'Run only while you are logged in (systemd)' --save-keys 'Keep keys that only this shell has in a file that only you can read' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o service print'
            __c2o_offer --manager 'Instead of the best that works here' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o service status'
            __c2o_offer --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o service uninstall'
            __c2o_offer --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o start'
            __c2o_offer --port 'Instead of the configuration\'s; 0 takes a free one' --wait 'How long the service may take to be ready' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o status'
            __c2o_offer --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o stop'
            __c2o_offer --keep-settings 'Leave Claude\'s settings as they are, for a service that comes back' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o test'
            __c2o_offer --all 'Each model that [models] names' --text 'Only what is named: a whole answer' --stream 'A streamed answer' --tools 'A tool call and its result, and two calls at once' --thinking 'Thinking that can be seen' --image 'An image' --no-start 'Fail if the service isn\'t running' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o trace'
            __c2o_offer --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o trace clear'
            __c2o_offer --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o trace export'
            __c2o_offer --to 'Where to; otherwise here, by the id' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o trace off'
            __c2o_offer --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o trace on'
            __c2o_offer --for 'How long: 90s, 10m, 2h; a day at most' --max 'Keep so many requests (100), or so much of them (64MB)' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o trace replay'
            __c2o_offer --model 'Ask this model instead' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o trace show'
            __c2o_offer --full 'Long texts whole' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o uninstall'
            __c2o_offer --purge 'Also the configuration, keys, and what was counted' --dry-run 'Only say what would be done' --yes 'Do it without asking' -y 'Do it without asking' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o upgrade'
            __c2o_offer --yes 'Run the command without asking' -y 'Run the command without asking' --dry-run 'Only say what would be done' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
        case 'c2o usage'
            __c2o_offer --by 'Put together by day, model, tier (what was asked for), or session' --since 'From then on: 7d is today and the six days before; 2h, 14:30, 2026-11-21' --json 'Print one JSON object instead of text' --help 'Show the help' -h 'Show the help'
    end
end

function __c2o_values
    switch $argv[1]
        case 'c2o:0'
            __c2o_offer claude 'Lead plain claude to c2o by its settings, and back again' completions 'Have your shell complete commands, options and values' config 'Look at the configuration, and change it without breaking it' demo 'Show the whole path on a scripted upstream, without a key' doctor 'Check everything, and say how to fix it' env 'Print the environment in which any client finds c2o' init 'Set up an upstream, its key and models, and try them' learned 'Show what upstreams have taught c2o, or forget it' logs 'Show what the service has logged; with -f, as it happens' models 'List the upstreams\' models, and what is known of each' restart 'Put a new service in the place of the running one' run 'Run claude, or any other command, on c2o' serve 'Run the service in the foreground, until Ctrl-C' service 'Have systemd or launchd keep the service running' start 'Start the service, unless it runs; return when it answers' status 'Say whether the service runs, where, and with which models' stop 'Stop the service; running streams finish first' test 'Try a model through the service with a few short requests' trace 'See what goes over the wire, and make a test of it' uninstall 'Take away the service and every file that c2o has made' upgrade 'Renew c2o by the installer that brought it' usage 'Show requests, tokens, cache hits and cost'
        case 'c2o claude:0'
            __c2o_offer off 'Put Claude\'s settings back as they were; needs neither service nor configuration' on 'Let a plainly started claude use c2o, and whatever else reads its settings' status 'Say where a plainly started claude goes, and which settings decide it'
        case 'c2o claude off:--scope'
            __c2o_offer user '' project ''
        case 'c2o claude on:--scope'
            __c2o_offer user '' project ''
        case 'c2o completions:0'
            __c2o_offer install 'Put the completions where your shell looks for them; saying it again renews them' show 'Print the completions, to put them anywhere yourself' uninstall 'Take away what install has written; never a file that isn\'t c2o\'s'
        case 'c2o completions install:0'
            __c2o_offer bash '' zsh '' fish ''
        case 'c2o completions show:0'
            __c2o_offer bash '' zsh '' fish ''
        case 'c2o config:0'
            __c2o_offer edit 'Open the configuration in your editor; it is replaced only by a valid one' get 'Print a value as it is set, or its default; never a secret' path 'Say where the configuration is' schema 'Print the JSON Schema of the configuration, for editors' set 'Set a value; the file is replaced only by a valid one, and keeps its comments' unset 'Take a value or a table away, so that its default counts' validate 'Check a configuration, and say where it is wrong'
        case 'c2o config get:0'
            __c2o_offer server 'all of it' upstreams 'all of it' models 'all of it' routes 'all of it' limits 'all of it' prices 'all of it' server.auth_token '' server.host '' server.port '' server.allow_remote '' server.repair_history '' routes.background '' routes.subagent '' routes.think.model '' routes.think.effort '' routes.image '' routes.web_search '' routes.long_context.model '' routes.long_context.above '' models.default '' models.opus '' models.sonnet '' models.haiku '' models.fable ''
            __c2o_ask keys upstreams:base_url,api_key,api,dialect,quirks,headers,extra_body,omit,requests_per_minute,max_concurrency,timeouts.connect,timeouts.first_byte,timeouts.idle,timeouts.total,timeouts.write,proxy,ca,client_cert limits:context_window,max_output_tokens prices:input,output,cache_read,cache_write
        case 'c2o config set:0'
            __c2o_offer server 'all of it' upstreams 'all of it' models 'all of it' routes 'all of it' limits 'all of it' prices 'all of it' server.auth_token '' server.host '' server.port '' server.allow_remote '' server.repair_history '' routes.background '' routes.subagent '' routes.think.model '' routes.think.effort '' routes.image '' routes.web_search '' routes.long_context.model '' routes.long_context.above '' models.default '' models.opus '' models.sonnet '' models.haiku '' models.fable ''
            __c2o_ask keys upstreams:base_url,api_key,api,dialect,quirks,headers,extra_body,omit,requests_per_minute,max_concurrency,timeouts.connect,timeouts.first_byte,timeouts.idle,timeouts.total,timeouts.write,proxy,ca,client_cert limits:context_window,max_output_tokens prices:input,output,cache_read,cache_write
        case 'c2o config set:1'
            __c2o_settings
        case 'c2o config unset:0'
            __c2o_offer server 'all of it' upstreams 'all of it' models 'all of it' routes 'all of it' limits 'all of it' prices 'all of it' server.auth_token '' server.host '' server.port '' server.allow_remote '' server.repair_history '' routes.background '' routes.subagent '' routes.think.model '' routes.think.effort '' routes.image '' routes.web_search '' routes.long_context.model '' routes.long_context.above '' models.default '' models.opus '' models.sonnet '' models.haiku '' models.fable ''
            __c2o_ask keys upstreams:base_url,api_key,api,dialect,quirks,headers,extra_body,omit,requests_per_minute,max_concurrency,timeouts.connect,timeouts.first_byte,timeouts.idle,timeouts.total,timeouts.write,proxy,ca,client_cert limits:context_window,max_output_tokens prices:input,output,cache_read,cache_write
        case 'c2o config validate:0'
            __c2o_files
        case 'c2o demo:0'
            __c2o_offer claude 'Let the real Claude Code talk to the scripted upstream, in a scratch home; ARGS are its own'
        case 'c2o demo claude:0'
            __c2o_command
        case 'c2o doctor:--only'
            __c2o_offer install.version '' install.pth '' config.file '' perm.config '' perm.state '' config.key '' service.manager '' service.unit.stale '' service.linger '' service.env.missing_key '' service.remote '' port.foreign '' service.running '' daemon.version_skew '' config.changed '' upstream.key_missing '' config.broken 'with service.problems' config.restart 'with service.problems' service.problems '' upstream.answer 'with upstream.stream' upstream.busy 'with upstream.stream' upstream.connection 'with upstream.stream' upstream.key 'with upstream.stream' upstream.list 'with upstream.stream' upstream.model 'with upstream.stream' upstream.models 'with upstream.stream' upstream.quota 'with upstream.stream' upstream.slow 'with upstream.stream' upstream.stream '' upstream.tool 'with upstream.stream' upstream.url 'with upstream.stream' network.proxy_env '' upstream.num_ctx 'with upstream.window' upstream.window '' claude.binary '' claude.settings.jsonc '' claude.managed '' claude.settings.shadowed '' claude.settings.env '' claude.base_url.v1 '' settings.points_to_dead '' claude.env.http_proxy '' claude.env.bedrock '' claude.env.api_key '' claude.login_key '' claude.primary_key '' claude.refused_key ''
        case 'c2o doctor:--bundle'
            __c2o_files
        case 'c2o doctor:--trace'
            __c2o_ask traces
        case 'c2o env:--shell'
            __c2o_offer bash '' fish '' pwsh ''
        case 'c2o env:--format'
            __c2o_offer shell '' dotenv '' json '' vscode ''
        case 'c2o env:--model'
            __c2o_ask models
        case 'c2o env:--upstream'
            __c2o_ask upstreams
        case 'c2o init:--upstream'
            __c2o_offer nim 'NVIDIA NIM' openai OpenAI deepseek DeepSeek openrouter OpenRouter gemini 'Google Gemini' mistral Mistral groq Groq moonshot 'Moonshot (Kimi)' zai 'Z.ai (GLM)' minimax MiniMax qwen 'Qwen (DashScope)' xai xAI cerebras Cerebras together Together fireworks Fireworks huggingface 'Hugging Face' copilot 'GitHub Copilot' ollama Ollama lmstudio 'LM Studio' vllm vLLM sglang SGLang llamacpp llama.cpp litellm LiteLLM newapi 'New API' demo Demo
        case 'c2o init:--import'
            __c2o_offer ccr claude-code-router litellm LiteLLM cc-switch cc-switch claude-code-proxy claude-code-proxy
            __c2o_files
        case 'c2o init:--key-env'
            __c2o_variables ''
        case 'c2o init:--model'
            __c2o_ask ids
        case 'c2o init:--map'
            __c2o_tiers opus sonnet haiku fable
        case 'c2o learned:0'
            __c2o_offer list '' clear ''
        case 'c2o learned:1'
            __c2o_ask targets
        case 'c2o logs:--since'
            __c2o_offer 10m 'ten minutes' 1h 'an hour' 1d 'a day'
        case 'c2o logs:--level'
            __c2o_offer debug '' info '' warning '' error ''
        case 'c2o logs:--request'
            __c2o_ask requests
        case 'c2o models:0'
            __c2o_ask upstreams
        case 'c2o run:--model'
            __c2o_ask models
        case 'c2o run:--upstream'
            __c2o_ask upstreams
        case 'c2o run:0'
            __c2o_command
        case 'c2o service:0'
            __c2o_offer install 'Have the system start the service at login, and again whenever it fails' print 'Show the files that `install` would write, and write nothing' status 'Say who keeps the service running, and how that looks from the system\'s side' uninstall 'Stop the service, and take away what `c2o service install` has made; keys stay where they are'
        case 'c2o service install:--manager'
            __c2o_offer systemd '' launchd '' detached ''
        case 'c2o service print:--manager'
            __c2o_offer systemd '' launchd '' detached ''
        case 'c2o test:0'
            __c2o_ask models
        case 'c2o trace:0'
            __c2o_offer clear 'Remove all traces from the disk' export 'Make a recording of it, in the form of c2o\'s own tests: a bug report that is a test' off 'Trace no more requests; what was written stays until `c2o trace clear`' on 'Write down what goes over the wire, for a while; prompts and answers are in it' replay 'Send a client\'s request again, and show what is different this time' show 'Show one request, both sides of it as they went over the wire'
        case 'c2o trace export:--to'
            __c2o_files
        case 'c2o trace export:0'
            __c2o_ask traces
        case 'c2o trace on:--for'
            __c2o_offer 10m 'ten minutes' 1h 'an hour'
        case 'c2o trace on:--max'
            __c2o_offer 100 requests 64MB 'of all of them'
        case 'c2o trace replay:--model'
            __c2o_ask models
        case 'c2o trace replay:0'
            __c2o_ask traces
        case 'c2o trace show:0'
            __c2o_ask traces
        case 'c2o usage:--by'
            __c2o_offer day '' model '' tier '' session ''
        case 'c2o usage:--since'
            __c2o_offer 1d today 7d 'the last seven days' 31d 'the last 31 days'
    end
end

# What the configuration may hold at a key.
function __c2o_settings
    switch $__c2o_argument
        case server.allow_remote
            __c2o_offer true '' false ''
        case server.repair_history
            __c2o_offer true '' false ''
        case 'upstreams.*.api'
            __c2o_offer chat '' responses '' anthropic ''
        case routes.background
            __c2o_ask models
        case routes.subagent
            __c2o_ask models
        case routes.think.model
            __c2o_ask models
        case routes.think.effort
            __c2o_offer low '' medium '' high '' xhigh '' max ''
        case routes.image
            __c2o_ask models
        case routes.web_search
            __c2o_ask models
        case routes.long_context.model
            __c2o_ask models
        case 'upstreams.*.dialect'
            __c2o_offer anthropic '' azure '' cerebras '' copilot '' deepseek '' fireworks '' gemini '' generic '' groq '' huggingface '' litellm '' llamacpp '' lmstudio '' minimax '' mistral '' moonshot '' newapi '' nim '' ollama '' openai '' openrouter '' perplexity '' qwen '' sglang '' together '' vllm '' xai '' zai ''
        case 'upstreams.*.api_key'
            __c2o_variables env:
        case 'models.*'
            __c2o_ask models
    end
end

complete -c c2o -f -k -a '(__c2o_complete)'
