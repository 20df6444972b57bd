# fish completion for c2o; generated, see CONTRIBUTING
complete -c c2o -f
complete -c c2o -n __fish_use_subcommand -a claude -d 'Lead plain claude to c2o by its settings, and back again'
complete -c c2o -n __fish_use_subcommand -a config -d 'Look at the configuration, and change it without breaking it'
complete -c c2o -n __fish_use_subcommand -a demo -d 'Show the whole path on a scripted upstream - no key, no account, no network'
complete -c c2o -n __fish_use_subcommand -a doctor -d 'Check everything - configuration, port, service, upstreams and Claude’s settings; say how to fix it'
complete -c c2o -n __fish_use_subcommand -a env -d 'Print the environment in which any client finds c2o - eval "$(c2o env)"'
complete -c c2o -n __fish_use_subcommand -a init -d 'Set up an upstream, its key and a model, and try them; what was configured before stays'
complete -c c2o -n __fish_use_subcommand -a learned -d 'Show what upstreams have taught c2o about themselves, or forget it; a running service follows at once'
complete -c c2o -n __fish_use_subcommand -a logs -d 'Show what the service has logged; with -f, requests as they run, on a terminal each in a frame'
complete -c c2o -n __fish_use_subcommand -a models -d 'List the upstreams’ models - window, longest answer, abilities, and which names lead to each'
complete -c c2o -n __fish_use_subcommand -a restart -d 'Put a new service in the place of the running one; running streams finish, and no connection is refused'
complete -c c2o -n __fish_use_subcommand -a run -d 'Run a command (claude, if none is given) on c2o; its exit code and signals are its own'
complete -c c2o -n __fish_use_subcommand -a serve -d 'Run the service in the foreground, until Ctrl-C'
complete -c c2o -n __fish_use_subcommand -a service -d 'Have systemd or launchd keep the service running, from login to login'
complete -c c2o -n __fish_use_subcommand -a start -d 'Start the service, unless it runs; return when it answers'
complete -c c2o -n __fish_use_subcommand -a status -d 'Say whether the service runs, where, and which models it serves'
complete -c c2o -n __fish_use_subcommand -a stop -d 'Stop the service - Claude’s settings are put back and running streams finish first'
complete -c c2o -n __fish_use_subcommand -a uninstall -d 'Put Claude’s settings back, and take away the service and every file that c2o has made'
complete -c c2o -n __fish_use_subcommand -a upgrade -d 'Renew c2o by the installer that brought it, and restart a service that is of another version'
complete -c c2o -n '__fish_seen_subcommand_from claude' -l scope -d 'Only this one; otherwise whatever leads to c2o' -x -a 'user project'
complete -c c2o -n '__fish_seen_subcommand_from claude' -l dry-run -d 'Show what would change; change nothing'
complete -c c2o -n '__fish_seen_subcommand_from claude' -l force -d 'Even if nothing would start the service again'
complete -c c2o -n '__fish_seen_subcommand_from claude' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from claude; and not __fish_seen_subcommand_from on off status' -a 'on off status'
complete -c c2o -n '__fish_seen_subcommand_from config' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from config' -l restart -d 'Have a running service follow at once'
complete -c c2o -n '__fish_seen_subcommand_from config; and not __fish_seen_subcommand_from path get set unset edit validate schema' -a 'path get set unset edit validate schema'
complete -c c2o -n '__fish_seen_subcommand_from demo' -l pace -d 'Pause between two words of the answer' -x
complete -c c2o -n '__fish_seen_subcommand_from demo' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from demo; and not __fish_seen_subcommand_from claude' -a 'claude'
complete -c c2o -n '__fish_seen_subcommand_from doctor' -l strict -d 'Fail on warnings too'
complete -c c2o -n '__fish_seen_subcommand_from doctor' -l probe -d 'Ask each upstream for all that it can do, and remember it; or don’t ask the upstreams at all'
complete -c c2o -n '__fish_seen_subcommand_from doctor' -l no-probe -d 'Ask each upstream for all that it can do, and remember it; or don’t ask the upstreams at all'
complete -c c2o -n '__fish_seen_subcommand_from doctor' -l only -d 'Only what finds this, and what it needs; more than once' -x
complete -c c2o -n '__fish_seen_subcommand_from doctor' -l fix -d 'Show what can be put right here, and do it if you agree'
complete -c c2o -n '__fish_seen_subcommand_from doctor' -l yes -d 'With --fix - agree to everything'
complete -c c2o -n '__fish_seen_subcommand_from doctor' -l bundle -d 'Write a zip for a bug report, without secrets' -x
complete -c c2o -n '__fish_seen_subcommand_from doctor' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from env' -l shell -d 'Whose words to use; your shell’s, if it isn’t said' -x -a 'bash fish pwsh'
complete -c c2o -n '__fish_seen_subcommand_from env' -l format -d 'Commands for a shell, a .env file, JSON, or VS Code’s settings' -x -a 'shell dotenv json vscode'
complete -c c2o -n '__fish_seen_subcommand_from env' -l model -d 'A configured name, or upstream/model' -x
complete -c c2o -n '__fish_seen_subcommand_from env' -l upstream -d 'Everything goes to this upstream' -x
complete -c c2o -n '__fish_seen_subcommand_from env' -l no-start -d 'Fail if the service isn’t running'
complete -c c2o -n '__fish_seen_subcommand_from env' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from init' -l upstream -d 'One of nim, openai, deepseek, openrouter, gemini, mistral, groq, moonshot, zai, minimax, qwen, xai, cerebras, together, fireworks, huggingface, copilot, ollama, lmstudio, vllm, sglang, llamacpp, litellm, newapi, demo; or any address' -x
complete -c c2o -n '__fish_seen_subcommand_from init' -l name -d 'What to call it in the configuration' -x
complete -c c2o -n '__fish_seen_subcommand_from init' -l key-env -d 'The variable that its key is in' -x
complete -c c2o -n '__fish_seen_subcommand_from init' -l no-key -d 'It needs no key'
complete -c c2o -n '__fish_seen_subcommand_from init' -l model -d 'The model for everything' -x
complete -c c2o -n '__fish_seen_subcommand_from init' -l map -d 'Another one for opus, sonnet or haiku' -x
complete -c c2o -n '__fish_seen_subcommand_from init' -l port -d 'Where c2o is to listen; 0 takes a free one' -x
complete -c c2o -n '__fish_seen_subcommand_from init' -l yes -d 'Ask nothing'
complete -c c2o -n '__fish_seen_subcommand_from init' -l dry-run -d 'Show what would be written; try and change nothing'
complete -c c2o -n '__fish_seen_subcommand_from init' -l no-test -d 'Write it without trying it'
complete -c c2o -n '__fish_seen_subcommand_from init' -l probe -d 'Try all that the model can do, with 6 more short requests; or don’t ask whether to'
complete -c c2o -n '__fish_seen_subcommand_from init' -l no-probe -d 'Try all that the model can do, with 6 more short requests; or don’t ask whether to'
complete -c c2o -n '__fish_seen_subcommand_from init' -l force -d 'Begin anew; the old file is kept as config.toml.bak'
complete -c c2o -n '__fish_seen_subcommand_from init' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from learned' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from logs' -l follow -d 'Go on with what is logged, until Ctrl-C'
complete -c c2o -n '__fish_seen_subcommand_from logs' -l lines -d 'The last N lines; otherwise 50' -x
complete -c c2o -n '__fish_seen_subcommand_from logs' -l since -d 'From then on - 10m, 2h, 14 -30, 2026-11-21T14 -30' -x
complete -c c2o -n '__fish_seen_subcommand_from logs' -l level -d 'This and worse - debug, info, warning, error' -x -a 'debug info warning error'
complete -c c2o -n '__fish_seen_subcommand_from logs' -l request -d 'The request with this id, explained' -x
complete -c c2o -n '__fish_seen_subcommand_from logs' -l json -d 'Print each line as JSON'
complete -c c2o -n '__fish_seen_subcommand_from models' -l refresh -d 'Ask again, though it was asked within a day'
complete -c c2o -n '__fish_seen_subcommand_from models' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from restart' -l port -d 'Instead of the configuration’s; 0 takes a free one' -x
complete -c c2o -n '__fish_seen_subcommand_from restart' -l wait -d 'How long the service may take to be ready' -x
complete -c c2o -n '__fish_seen_subcommand_from restart' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from run' -l model -d 'A configured name, or upstream/model' -x
complete -c c2o -n '__fish_seen_subcommand_from run' -l upstream -d 'Everything goes to this upstream' -x
complete -c c2o -n '__fish_seen_subcommand_from run' -l no-start -d 'Fail if the service isn’t running'
complete -c c2o -n '__fish_seen_subcommand_from run' -l json -d 'Tell of a failure in JSON'
complete -c c2o -n '__fish_seen_subcommand_from run' -a '(__fish_complete_subcommand --fcs-skip=2)'
complete -c c2o -n '__fish_seen_subcommand_from serve' -l port -d 'Instead of the configuration’s; 0 takes a free one' -x
complete -c c2o -n '__fish_seen_subcommand_from serve' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from service' -l manager -d 'Instead of the best that works here' -x -a 'systemd launchd detached'
complete -c c2o -n '__fish_seen_subcommand_from service' -l now -d 'Start the service as well, and hand over one that runs'
complete -c c2o -n '__fish_seen_subcommand_from service' -l no-linger -d 'Run only while you are logged in (systemd)'
complete -c c2o -n '__fish_seen_subcommand_from service' -l save-keys -d 'Keep keys that only this shell has in a file that only you can read'
complete -c c2o -n '__fish_seen_subcommand_from service' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from service; and not __fish_seen_subcommand_from install uninstall status print' -a 'install uninstall status print'
complete -c c2o -n '__fish_seen_subcommand_from start' -l port -d 'Instead of the configuration’s; 0 takes a free one' -x
complete -c c2o -n '__fish_seen_subcommand_from start' -l wait -d 'How long the service may take to be ready' -x
complete -c c2o -n '__fish_seen_subcommand_from start' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from status' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from stop' -l keep-settings -d 'Leave Claude’s settings as they are, for a service that comes back'
complete -c c2o -n '__fish_seen_subcommand_from stop' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from uninstall' -l purge -d 'Also the configuration, keys, and what was counted'
complete -c c2o -n '__fish_seen_subcommand_from uninstall' -l dry-run -d 'Only say what would be done'
complete -c c2o -n '__fish_seen_subcommand_from uninstall' -l yes -d 'Do it without asking'
complete -c c2o -n '__fish_seen_subcommand_from uninstall' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from upgrade' -l yes -d 'Run the command without asking'
complete -c c2o -n '__fish_seen_subcommand_from upgrade' -l dry-run -d 'Only say what would be done'
complete -c c2o -n '__fish_seen_subcommand_from upgrade' -l json -d 'Print one JSON object instead of text'
