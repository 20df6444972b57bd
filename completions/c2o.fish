# fish completion for c2o; generated, see CONTRIBUTING
complete -c c2o -f
complete -c c2o -n __fish_use_subcommand -a demo -d 'Show the whole path on a scripted upstream - no key, no account, no network'
complete -c c2o -n __fish_use_subcommand -a restart -d 'Stop the service and start it again at the same address; running streams finish first'
complete -c c2o -n __fish_use_subcommand -a serve -d 'Run the service in the foreground, until Ctrl-C'
complete -c c2o -n __fish_use_subcommand -a start -d 'Start the service, unless it runs; return when it answers'
complete -c c2o -n __fish_use_subcommand -a status -d 'Say whether the service runs, where, and which models it serves'
complete -c c2o -n __fish_use_subcommand -a stop -d 'Stop the service; running streams finish first'
complete -c c2o -n '__fish_seen_subcommand_from demo' -l pace -d 'Pause between two words of the answer' -x
complete -c c2o -n '__fish_seen_subcommand_from demo' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from restart' -l port -d 'Instead of the configuration’s; 0 takes a free one' -x
complete -c c2o -n '__fish_seen_subcommand_from restart' -l wait -d 'How long the service may take to be ready' -x
complete -c c2o -n '__fish_seen_subcommand_from restart' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from serve' -l port -d 'Instead of the configuration’s; 0 takes a free one' -x
complete -c c2o -n '__fish_seen_subcommand_from serve' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from start' -l port -d 'Instead of the configuration’s; 0 takes a free one' -x
complete -c c2o -n '__fish_seen_subcommand_from start' -l wait -d 'How long the service may take to be ready' -x
complete -c c2o -n '__fish_seen_subcommand_from start' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from status' -l json -d 'Print one JSON object instead of text'
complete -c c2o -n '__fish_seen_subcommand_from stop' -l json -d 'Print one JSON object instead of text'
