# bash completion for c2o; generated, see CONTRIBUTING
_c2o() {
  local word="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
  local command="${COMP_WORDS[1]}" words at
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=($(compgen -W 'claude config demo doctor env init learned logs models restart run serve service start status stop uninstall upgrade --help --version' -- "$word"))
    return
  fi
  case "$command:$previous" in
    claude:--scope) COMPREPLY=($(compgen -W 'user project' -- "$word")); return ;;
    env:--shell) COMPREPLY=($(compgen -W 'bash fish pwsh' -- "$word")); return ;;
    env:--format) COMPREPLY=($(compgen -W 'shell dotenv json vscode' -- "$word")); return ;;
    logs:--level) COMPREPLY=($(compgen -W 'debug info warning error' -- "$word")); return ;;
    service:--manager) COMPREPLY=($(compgen -W 'systemd launchd detached' -- "$word")); return ;;
  esac
  case "$command" in
    run)
      for (( at = 2; at < COMP_CWORD; at++ )); do
        [[ "${COMP_WORDS[at]}" == -- ]] && { _command_offset $((at + 1)); return; }
        [[ "${COMP_WORDS[at]}" != -* && "${COMP_WORDS[at-1]}" != --* ]] && { _command_offset $at; return; }
      done ;;
  esac
  case "$command" in
    claude) words='--scope --dry-run --force --json --help' ;;
    config) words='--json --restart --help' ;;
    demo) words='--pace --json --help' ;;
    doctor) words='--strict --probe --no-probe --only --fix --yes -y --bundle --json --help' ;;
    env) words='--shell --format --model --upstream --no-start --json --help' ;;
    init) words='--upstream --name --key-env --no-key --model --map --port --yes -y --dry-run --no-test --probe --no-probe --force --json --help' ;;
    learned) words='--json --help' ;;
    logs) words='--follow -f --lines -n --since --level --request --json --help' ;;
    models) words='--refresh --json --help' ;;
    restart) words='--port --wait --json --help' ;;
    run) words='--model --upstream --no-start --json --help' ;;
    serve) words='--port --json --help' ;;
    service) words='--manager --now --no-linger --save-keys --json --help' ;;
    start) words='--port --wait --json --help' ;;
    status) words='--json --help' ;;
    stop) words='--keep-settings --json --help' ;;
    uninstall) words='--purge --dry-run --yes -y --json --help' ;;
    upgrade) words='--yes -y --dry-run --json --help' ;;
  esac
  if (( COMP_CWORD == 2 )) && [[ "$word" != -* ]]; then
    case "$command" in
    claude) COMPREPLY=($(compgen -W 'on off status' -- "$word")); return ;;
    config) COMPREPLY=($(compgen -W 'path get set unset edit validate schema' -- "$word")); return ;;
    demo) COMPREPLY=($(compgen -W 'claude' -- "$word")); return ;;
    service) COMPREPLY=($(compgen -W 'install uninstall status print' -- "$word")); return ;;
    esac
  fi
  if [[ "$word" == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  elif [[ "$command" == run && "$previous" != --* ]]; then
    COMPREPLY=($(compgen -c -- "$word"))
  fi
}
complete -o default -F _c2o c2o
