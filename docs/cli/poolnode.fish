# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_poolnode_global_optspecs
    string join \n api= json log= h/help V/version
end

function __fish_poolnode_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_poolnode_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_poolnode_using_subcommand
    set -l cmd (__fish_poolnode_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c poolnode -n "__fish_poolnode_needs_command" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_needs_command" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_needs_command" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_needs_command" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_needs_command" -s V -l version -d 'Print version'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "run" -d 'Run a node'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "init" -d 'Ask what a node needs to know, and write its configuration'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "devnet" -d 'Run a devnet chain alone, for several nodes to share'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "quickstart" -d 'See a whole pool at work: devnet, node and a CPU miner, without any set-up'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "peers" -d 'The peers of a running node: list them, or give orders about them'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "status" -d 'Show a running node at a glance'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "top" -d 'A running node on one screen, anew every second'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "workers" -d 'The miners of a running node, those with the most hash rate first'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "shares" -d 'The newest shares that a running node knows'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "share" -d 'One share: what it builds on, whom it is credited to, whether it is a block'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "blocks" -d 'The pool\'s blocks, the newest first, and what became of them'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "payouts" -d 'Whom the next block pays, and how much; whom blocks paid, and the proof of it'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "verify" -d 'Check a proof of payouts, without a node'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "chain" -d 'The share chain'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "lanes" -d 'Lanes: parent chains that miners of this node work on'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "health" -d 'How well every part of a running node is, since when, and what it does about it; exit code 1 when one has failed'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "emergencies" -d 'What failed at a running node, from when to when, why, and what was done; the newest first'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "drain" -d 'Take no new miners; who is connected mines on, and willing miners are pointed to another node of the operator'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "pause" -d 'Decisions about lanes take no effect until `resume`; lanes that fail are left all the same'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "resume" -d 'Decisions about lanes take effect again as before `pause`'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "events" -d 'What happens at a running node, one line an event'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "doctor" -d 'Look for what keeps a node from its work, and say what to do about it: takes the flags that the node is run with'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "openapi" -d 'Print the description of the HTTP API (OpenAPI 3.1)'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "config" -d 'Check, show or write a configuration'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "db" -d 'The share store of a node: look at it, copy it, put it back'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "nearest" -d 'Measure which pool nodes lose a miner least: those of the directory of a running node, or those that are given'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "version" -d 'Print the version of this program, and of the node that answers'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "completions" -d 'Print what a shell reads to complete commands'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "man" -d 'Write man pages, one for every command'
complete -c poolnode -n "__fish_poolnode_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l config -d 'Configuration file; flags overrule it' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l chain -d 'Chain to pool on: devnet (default), bitcoin, litecoin, their test networks, or custom; see the sample configuration' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l data-dir -d 'Folder for key, shares and blocks (default: ~/.poolnode/CHAIN)' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l parent-rpc -d 'JSON-RPC of the coin daemon; without it a devnet node runs a devnet chain of its own' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l stratum-listen -d 'Where miners connect to (default: 127.0.0.1:23336; 0.0.0.0:23336 takes miners from other machines)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l stratum-v2-listen -d 'Where miners connect to that speak Stratum V2 (default: nowhere)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l p2p-listen -d 'Multiaddress to listen on for peers; may be repeated (default: TCP and QUIC on port 23333)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l peer -d 'Multiaddress of a peer to stay connected to; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l seed -d 'Multiaddress of a peer to ask for others; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l outbound-max -d 'Most peers to look for and connect to (default: 12)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l selection -d 'How they are chosen: latency or random (default: latency)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l region -d 'Where this node is: NA SA EU AF AS OC AN' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l api-listen -d 'Where the API answers; other machines need a token, see docs/API.md (default: 127.0.0.1:23380)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l devnet-listen -d 'JSON-RPC of the embedded devnet chain (default: 127.0.0.1:23332)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l adopt-branch -d 'Go over to the branch of the share chain that this share is on, whatever its work, as soon as it is known' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l no-discovery -d 'Connect to no other peers than those of `--peer`'
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l solo-until-synced -d 'Mine before the share chain is synced'
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand run" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand init" -l out -d 'File to write, for its owner only (default: poolnode.toml in the data folder)' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand init" -l chain -d 'Chain to pool on: devnet, bitcoin, litecoin, or one of their test networks' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand init" -l daemon -d 'JSON-RPC of the coin daemon' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand init" -l auth -d 'How the daemon knows us. Other users of the machine see arguments: a cookie file is better than a password' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand init" -l data-dir -d 'Folder for key, shares and blocks' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand init" -l address -d 'Payout address of miners that give none as their user name; none refuses them' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand init" -l region -d 'Where this node is: NA SA EU AF AS OC AN, or none' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand init" -l miners -d 'Who may mine here: local (this machine), private (other machines, with a password), public' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand init" -l password -d 'What miners give as password' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand init" -l hashrate -d 'Hash rate that will mine here, like 500GH/s: only to tell what to expect of it' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand init" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand init" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand init" -l yes -d 'Take the default of every question that no flag answers, and ask nothing'
complete -c poolnode -n "__fish_poolnode_using_subcommand init" -l force -d 'Replace the file if it is there'
complete -c poolnode -n "__fish_poolnode_using_subcommand init" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand init" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand devnet" -l listen -d 'Where its JSON-RPC answers' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand devnet" -l dir -d 'Folder for its blocks (default: they are kept in memory only)' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand devnet" -l block-interval-secs -d 'Wanted seconds between blocks' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand devnet" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand devnet" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand devnet" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand devnet" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand quickstart" -l dir -d 'Folder to keep the pool in (default: a temporary one)' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand quickstart" -l seconds -d 'Stop after this long (default: at Ctrl-C)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand quickstart" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand quickstart" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand quickstart" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand quickstart" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and not __fish_seen_subcommand_from bans ban unban add drop ping help" -l watch -d 'Show the list again and again, every so many seconds' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and not __fish_seen_subcommand_from bans ban unban add drop ping help" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and not __fish_seen_subcommand_from bans ban unban add drop ping help" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and not __fish_seen_subcommand_from bans ban unban add drop ping help" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and not __fish_seen_subcommand_from bans ban unban add drop ping help" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and not __fish_seen_subcommand_from bans ban unban add drop ping help" -f -a "bans" -d 'Who may not connect, for how long and why'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and not __fish_seen_subcommand_from bans ban unban add drop ping help" -f -a "ban" -d 'Keep a peer or an address away'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and not __fish_seen_subcommand_from bans ban unban add drop ping help" -f -a "unban" -d 'Let it come back'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and not __fish_seen_subcommand_from bans ban unban add drop ping help" -f -a "add" -d 'Connect to an address and stay connected until the node stops; `--peer` is for ever'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and not __fish_seen_subcommand_from bans ban unban add drop ping help" -f -a "drop" -d 'Disconnect a peer'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and not __fish_seen_subcommand_from bans ban unban add drop ping help" -f -a "ping" -d 'Measure the time until a peer answers a question'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and not __fish_seen_subcommand_from bans ban unban add drop ping help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from bans" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from bans" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from bans" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from bans" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from ban" -l for -d 'For how long: 90s, 10m, 2h, 7d' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from ban" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from ban" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from ban" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from ban" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from unban" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from unban" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from unban" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from unban" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from add" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from add" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from add" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from drop" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from drop" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from drop" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from drop" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from ping" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from ping" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from ping" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from ping" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "bans" -d 'Who may not connect, for how long and why'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "ban" -d 'Keep a peer or an address away'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "unban" -d 'Let it come back'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "add" -d 'Connect to an address and stay connected until the node stops; `--peer` is for ever'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "drop" -d 'Disconnect a peer'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "ping" -d 'Measure the time until a peer answers a question'
complete -c poolnode -n "__fish_poolnode_using_subcommand peers; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c poolnode -n "__fish_poolnode_using_subcommand status" -l watch -d 'Show it again and again, every so many seconds' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand status" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand status" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand status" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand status" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand top" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand top" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand top" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand top" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand workers" -l output -d 'How it is printed; --json stands for json' -r -f -a "table\t'For people, fitted to the terminal'
json\t'As the API says it'
csv\t'For spreadsheets (RFC 4180): numbers without units, times in UTC'"
complete -c poolnode -n "__fish_poolnode_using_subcommand workers" -l watch -d 'Show it again and again, every so many seconds' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand workers" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand workers" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand workers" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand workers" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c poolnode -n "__fish_poolnode_using_subcommand shares" -l address -d 'Only those that are credited to this address' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand shares" -l limit -d 'At most so many' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand shares" -l output -d 'How it is printed; --json stands for json' -r -f -a "table\t'For people, fitted to the terminal'
json\t'As the API says it'
csv\t'For spreadsheets (RFC 4180): numbers without units, times in UTC'"
complete -c poolnode -n "__fish_poolnode_using_subcommand shares" -l watch -d 'Show it again and again, every so many seconds' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand shares" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand shares" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand shares" -l own -d 'Only those of this node\'s miners'
complete -c poolnode -n "__fish_poolnode_using_subcommand shares" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand shares" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c poolnode -n "__fish_poolnode_using_subcommand share" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand share" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand share" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand share" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand blocks" -l output -d 'How it is printed; --json stands for json' -r -f -a "table\t'For people, fitted to the terminal'
json\t'As the API says it'
csv\t'For spreadsheets (RFC 4180): numbers without units, times in UTC'"
complete -c poolnode -n "__fish_poolnode_using_subcommand blocks" -l watch -d 'Show it again and again, every so many seconds' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand blocks" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand blocks" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand blocks" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand blocks" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and not __fish_seen_subcommand_from estimate history export audit prove help" -l output -d 'How it is printed; --json stands for json' -r -f -a "table\t'For people, fitted to the terminal'
json\t'As the API says it'
csv\t'For spreadsheets (RFC 4180): numbers without units, times in UTC'"
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and not __fish_seen_subcommand_from estimate history export audit prove help" -l watch -d 'Show it again and again, every so many seconds' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and not __fish_seen_subcommand_from estimate history export audit prove help" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and not __fish_seen_subcommand_from estimate history export audit prove help" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and not __fish_seen_subcommand_from estimate history export audit prove help" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and not __fish_seen_subcommand_from estimate history export audit prove help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and not __fish_seen_subcommand_from estimate history export audit prove help" -f -a "estimate" -d 'What an address can expect of the next block, and within a day'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and not __fish_seen_subcommand_from estimate history export audit prove help" -f -a "history" -d 'Whom the pool\'s blocks paid, the newest first'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and not __fish_seen_subcommand_from estimate history export audit prove help" -f -a "export" -d 'The same as CSV, all of it'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and not __fish_seen_subcommand_from estimate history export audit prove help" -f -a "audit" -d 'Compare what a block pays with what the share chain says that it has to'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and not __fish_seen_subcommand_from estimate history export audit prove help" -f -a "prove" -d 'Write the proof of a block\'s payouts, which anybody can check with `poolnode verify`'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and not __fish_seen_subcommand_from estimate history export audit prove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from estimate" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from estimate" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from estimate" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from estimate" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from history" -l address -d 'Only payouts of this address' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from history" -l from -d 'Only those of blocks from this time on, Unix seconds' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from history" -l to -d 'Only those of blocks before this time, Unix seconds' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from history" -l output -d 'How it is printed; --json stands for json' -r -f -a "table\t'For people, fitted to the terminal'
json\t'As the API says it'
csv\t'For spreadsheets (RFC 4180): numbers without units, times in UTC'"
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from history" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from history" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from history" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from export" -l address -d 'Only payouts of this address' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from export" -l from -d 'Only those of blocks from this time on, Unix seconds' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from export" -l to -d 'Only those of blocks before this time, Unix seconds' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from export" -l output -d 'How it is printed; --json stands for json' -r -f -a "table\t'For people, fitted to the terminal'
json\t'As the API says it'
csv\t'For spreadsheets (RFC 4180): numbers without units, times in UTC'"
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from export" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from export" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from export" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from audit" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from audit" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from audit" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from audit" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from prove" -l block -d 'Hash of the block (default: the newest that pays the address)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from prove" -l out -d 'Where to write it (default: stdout)' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from prove" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from prove" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from prove" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from prove" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from help" -f -a "estimate" -d 'What an address can expect of the next block, and within a day'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from help" -f -a "history" -d 'Whom the pool\'s blocks paid, the newest first'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from help" -f -a "export" -d 'The same as CSV, all of it'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from help" -f -a "audit" -d 'Compare what a block pays with what the share chain says that it has to'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from help" -f -a "prove" -d 'Write the proof of a block\'s payouts, which anybody can check with `poolnode verify`'
complete -c poolnode -n "__fish_poolnode_using_subcommand payouts; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c poolnode -n "__fish_poolnode_using_subcommand verify" -l address -d 'What this address gets; all outputs without' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand verify" -l config -d 'Configuration with the chain, for one that is described there' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand verify" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand verify" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand verify" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand verify" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and not __fish_seen_subcommand_from info window dag help" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and not __fish_seen_subcommand_from info window dag help" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and not __fish_seen_subcommand_from info window dag help" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and not __fish_seen_subcommand_from info window dag help" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and not __fish_seen_subcommand_from info window dag help" -f -a "info" -d 'Its identity, tip, work and window'
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and not __fish_seen_subcommand_from info window dag help" -f -a "window" -d 'The shares that the next block pays, and whose they are'
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and not __fish_seen_subcommand_from info window dag help" -f -a "dag" -d 'How the newest shares build on each other'
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and not __fish_seen_subcommand_from info window dag help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from info" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from info" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from info" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from info" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from window" -l limit -d 'At most so many addresses, those with the most work first' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from window" -l output -d 'How it is printed; --json stands for json' -r -f -a "table\t'For people, fitted to the terminal'
json\t'As the API says it'
csv\t'For spreadsheets (RFC 4180): numbers without units, times in UTC'"
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from window" -l watch -d 'Show it again and again, every so many seconds' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from window" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from window" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from window" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from window" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from dag" -l heights -d 'How many heights' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from dag" -l to -d 'Up to this height (default: the tip)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from dag" -l output -d 'How it is printed; --json stands for json' -r -f -a "table\t'For people, fitted to the terminal'
json\t'As the API says it'
csv\t'For spreadsheets (RFC 4180): numbers without units, times in UTC'"
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from dag" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from dag" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from dag" -l dot -d 'As a graph for Graphviz: poolnode chain dag --dot | dot -Tsvg'
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from dag" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from dag" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from help" -f -a "info" -d 'Its identity, tip, work and window'
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from help" -f -a "window" -d 'The shares that the next block pays, and whose they are'
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from help" -f -a "dag" -d 'How the newest shares build on each other'
complete -c poolnode -n "__fish_poolnode_using_subcommand chain; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and not __fish_seen_subcommand_from ls status switch release state explain replay help" -l output -d 'How it is printed; --json stands for json' -r -f -a "table\t'For people, fitted to the terminal'
json\t'As the API says it'
csv\t'For spreadsheets (RFC 4180): numbers without units, times in UTC'"
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and not __fish_seen_subcommand_from ls status switch release state explain replay help" -l watch -d 'Show it again and again, every so many seconds' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and not __fish_seen_subcommand_from ls status switch release state explain replay help" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and not __fish_seen_subcommand_from ls status switch release state explain replay help" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and not __fish_seen_subcommand_from ls status switch release state explain replay help" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and not __fish_seen_subcommand_from ls status switch release state explain replay help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and not __fish_seen_subcommand_from ls status switch release state explain replay help" -f -a "ls" -d 'List them'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and not __fish_seen_subcommand_from ls status switch release state explain replay help" -f -a "status" -d 'Where miners are, why, and what comes next'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and not __fish_seen_subcommand_from ls status switch release state explain replay help" -f -a "switch" -d 'Move all miners to a lane, and keep them there until `release`; a lane that fails is left all the same'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and not __fish_seen_subcommand_from ls status switch release state explain replay help" -f -a "release" -d 'Let the policy decide again after `switch`'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and not __fish_seen_subcommand_from ls status switch release state explain replay help" -f -a "state" -d 'Have decisions take effect (live), only said (dry-run), or none made (paused)'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and not __fish_seen_subcommand_from ls status switch release state explain replay help" -f -a "explain" -d 'Explain the newest decision, or one by its number'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and not __fish_seen_subcommand_from ls status switch release state explain replay help" -f -a "replay" -d 'Run a policy over a history, beside one lane for ever, the lane of the moment and the oracle; no node is asked'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and not __fish_seen_subcommand_from ls status switch release state explain replay help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from ls" -l output -d 'How it is printed; --json stands for json' -r -f -a "table\t'For people, fitted to the terminal'
json\t'As the API says it'
csv\t'For spreadsheets (RFC 4180): numbers without units, times in UTC'"
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from ls" -l watch -d 'Show it again and again, every so many seconds' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from ls" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from ls" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from ls" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from status" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from status" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from status" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from switch" -l reason -d 'Why: it is kept with the decision' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from switch" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from switch" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from switch" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from switch" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from release" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from release" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from release" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from release" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from state" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from state" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from state" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from state" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from explain" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from explain" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from explain" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from replay" -l policy -d 'The policy: optimize-profit, balance-load, maximize-stability, geographic-distribution or adaptive-learning' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from replay" -l profile -d 'Its risk profile: conservative, balanced or aggressive' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from replay" -l switch-cost-ms -d 'What a move costs, milliseconds of mining (default: what the history says, 10000 for CSV)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from replay" -l half-life-secs -d 'Half-life of observations instead of the profile\'s' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from replay" -l edge-min-percent -d 'Least advantage that is worth a move instead of the profile\'s' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from replay" -l seed -d 'Decides at which moments the node may move' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from replay" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from replay" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from replay" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from replay" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List them'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from help" -f -a "status" -d 'Where miners are, why, and what comes next'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from help" -f -a "switch" -d 'Move all miners to a lane, and keep them there until `release`; a lane that fails is left all the same'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from help" -f -a "release" -d 'Let the policy decide again after `switch`'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from help" -f -a "state" -d 'Have decisions take effect (live), only said (dry-run), or none made (paused)'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from help" -f -a "explain" -d 'Explain the newest decision, or one by its number'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from help" -f -a "replay" -d 'Run a policy over a history, beside one lane for ever, the lane of the moment and the oracle; no node is asked'
complete -c poolnode -n "__fish_poolnode_using_subcommand lanes; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c poolnode -n "__fish_poolnode_using_subcommand health" -l output -d 'How it is printed; --json stands for json' -r -f -a "table\t'For people, fitted to the terminal'
json\t'As the API says it'
csv\t'For spreadsheets (RFC 4180): numbers without units, times in UTC'"
complete -c poolnode -n "__fish_poolnode_using_subcommand health" -l watch -d 'Show it again and again, every so many seconds' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand health" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand health" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand health" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand health" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c poolnode -n "__fish_poolnode_using_subcommand emergencies" -l output -d 'How it is printed; --json stands for json' -r -f -a "table\t'For people, fitted to the terminal'
json\t'As the API says it'
csv\t'For spreadsheets (RFC 4180): numbers without units, times in UTC'"
complete -c poolnode -n "__fish_poolnode_using_subcommand emergencies" -l watch -d 'Show it again and again, every so many seconds' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand emergencies" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand emergencies" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand emergencies" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand emergencies" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c poolnode -n "__fish_poolnode_using_subcommand drain" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand drain" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand drain" -l off -d 'Take new miners again'
complete -c poolnode -n "__fish_poolnode_using_subcommand drain" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand drain" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand pause" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand pause" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand pause" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand pause" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand resume" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand resume" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand resume" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand resume" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand events" -l kinds -d 'Only these kinds, with commas: share, uncle, tip, block_found, payout, worker_on, warning, ...' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand events" -l after -d 'Begin after the event with this number, as far as the node remembers' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand events" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand events" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand events" -l follow -d 'Go on for ever: a lost connection is taken up again where it was'
complete -c poolnode -n "__fish_poolnode_using_subcommand events" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand events" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l config -d 'Configuration file; flags overrule it' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l chain -d 'Chain to pool on: devnet (default), bitcoin, litecoin, their test networks, or custom; see the sample configuration' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l data-dir -d 'Folder for key, shares and blocks (default: ~/.poolnode/CHAIN)' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l parent-rpc -d 'JSON-RPC of the coin daemon; without it a devnet node runs a devnet chain of its own' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l stratum-listen -d 'Where miners connect to (default: 127.0.0.1:23336; 0.0.0.0:23336 takes miners from other machines)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l stratum-v2-listen -d 'Where miners connect to that speak Stratum V2 (default: nowhere)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l p2p-listen -d 'Multiaddress to listen on for peers; may be repeated (default: TCP and QUIC on port 23333)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l peer -d 'Multiaddress of a peer to stay connected to; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l seed -d 'Multiaddress of a peer to ask for others; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l outbound-max -d 'Most peers to look for and connect to (default: 12)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l selection -d 'How they are chosen: latency or random (default: latency)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l region -d 'Where this node is: NA SA EU AF AS OC AN' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l api-listen -d 'Where the API answers; other machines need a token, see docs/API.md (default: 127.0.0.1:23380)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l devnet-listen -d 'JSON-RPC of the embedded devnet chain (default: 127.0.0.1:23332)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l adopt-branch -d 'Go over to the branch of the share chain that this share is on, whatever its work, as soon as it is known' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l no-discovery -d 'Connect to no other peers than those of `--peer`'
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l solo-until-synced -d 'Mine before the share chain is synced'
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand openapi" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand openapi" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand openapi" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand openapi" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and not __fish_seen_subcommand_from check show generate schema help" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and not __fish_seen_subcommand_from check show generate schema help" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and not __fish_seen_subcommand_from check show generate schema help" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and not __fish_seen_subcommand_from check show generate schema help" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and not __fish_seen_subcommand_from check show generate schema help" -f -a "check" -d 'Say whether a node would start with this file, the environment and these flags of `run`; exit code 5 when not'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and not __fish_seen_subcommand_from check show generate schema help" -f -a "show" -d 'Print the effective configuration: file, environment and these flags of `run` together. Secrets are hidden'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and not __fish_seen_subcommand_from check show generate schema help" -f -a "generate" -d 'Print a complete configuration with every key documented'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and not __fish_seen_subcommand_from check show generate schema help" -f -a "schema" -d 'Print the JSON schema of the file, for editors'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and not __fish_seen_subcommand_from check show generate schema help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l config -d 'Configuration file; flags overrule it' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l chain -d 'Chain to pool on: devnet (default), bitcoin, litecoin, their test networks, or custom; see the sample configuration' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l data-dir -d 'Folder for key, shares and blocks (default: ~/.poolnode/CHAIN)' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l parent-rpc -d 'JSON-RPC of the coin daemon; without it a devnet node runs a devnet chain of its own' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l stratum-listen -d 'Where miners connect to (default: 127.0.0.1:23336; 0.0.0.0:23336 takes miners from other machines)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l stratum-v2-listen -d 'Where miners connect to that speak Stratum V2 (default: nowhere)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l p2p-listen -d 'Multiaddress to listen on for peers; may be repeated (default: TCP and QUIC on port 23333)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l peer -d 'Multiaddress of a peer to stay connected to; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l seed -d 'Multiaddress of a peer to ask for others; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l outbound-max -d 'Most peers to look for and connect to (default: 12)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l selection -d 'How they are chosen: latency or random (default: latency)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l region -d 'Where this node is: NA SA EU AF AS OC AN' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l api-listen -d 'Where the API answers; other machines need a token, see docs/API.md (default: 127.0.0.1:23380)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l devnet-listen -d 'JSON-RPC of the embedded devnet chain (default: 127.0.0.1:23332)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l adopt-branch -d 'Go over to the branch of the share chain that this share is on, whatever its work, as soon as it is known' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l no-discovery -d 'Connect to no other peers than those of `--peer`'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l solo-until-synced -d 'Mine before the share chain is synced'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'Configuration file; flags overrule it' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l chain -d 'Chain to pool on: devnet (default), bitcoin, litecoin, their test networks, or custom; see the sample configuration' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l data-dir -d 'Folder for key, shares and blocks (default: ~/.poolnode/CHAIN)' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l parent-rpc -d 'JSON-RPC of the coin daemon; without it a devnet node runs a devnet chain of its own' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l stratum-listen -d 'Where miners connect to (default: 127.0.0.1:23336; 0.0.0.0:23336 takes miners from other machines)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l stratum-v2-listen -d 'Where miners connect to that speak Stratum V2 (default: nowhere)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l p2p-listen -d 'Multiaddress to listen on for peers; may be repeated (default: TCP and QUIC on port 23333)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l peer -d 'Multiaddress of a peer to stay connected to; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l seed -d 'Multiaddress of a peer to ask for others; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l outbound-max -d 'Most peers to look for and connect to (default: 12)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l selection -d 'How they are chosen: latency or random (default: latency)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l region -d 'Where this node is: NA SA EU AF AS OC AN' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l api-listen -d 'Where the API answers; other machines need a token, see docs/API.md (default: 127.0.0.1:23380)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l devnet-listen -d 'JSON-RPC of the embedded devnet chain (default: 127.0.0.1:23332)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l adopt-branch -d 'Go over to the branch of the share chain that this share is on, whatever its work, as soon as it is known' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l no-discovery -d 'Connect to no other peers than those of `--peer`'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l solo-until-synced -d 'Mine before the share chain is synced'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l origin -d 'Also say where each value comes from: file with line, variable, flag, or default'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from generate" -l env -d 'What the node is for: dev (a devnet inside the node), testnet or prod (a daemon on this machine)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from generate" -l chain -d 'Another chain than devnet, bitcoin-testnet4 or bitcoin' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from generate" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from generate" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from generate" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from generate" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from schema" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from schema" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from schema" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from schema" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Say whether a node would start with this file, the environment and these flags of `run`; exit code 5 when not'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print the effective configuration: file, environment and these flags of `run` together. Secrets are hidden'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "generate" -d 'Print a complete configuration with every key documented'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "schema" -d 'Print the JSON schema of the file, for editors'
complete -c poolnode -n "__fish_poolnode_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and not __fish_seen_subcommand_from check stats migrate backup restore help" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and not __fish_seen_subcommand_from check stats migrate backup restore help" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and not __fish_seen_subcommand_from check stats migrate backup restore help" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and not __fish_seen_subcommand_from check stats migrate backup restore help" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and not __fish_seen_subcommand_from check stats migrate backup restore help" -f -a "check" -d 'Read everything in the store of a node that does not run, and say what is wrong; exit code 1 when something is'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and not __fish_seen_subcommand_from check stats migrate backup restore help" -f -a "stats" -d 'What the store of a node that does not run holds: shares, version, size'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and not __fish_seen_subcommand_from check stats migrate backup restore help" -f -a "migrate" -d 'Bring the store of a node that does not run to the version of this program, as its next start would'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and not __fish_seen_subcommand_from check stats migrate backup restore help" -f -a "backup" -d 'Copy the data folder with keys, shares, blocks and payouts, while the node runs or not'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and not __fish_seen_subcommand_from check stats migrate backup restore help" -f -a "restore" -d 'Put a backup back into the data folder, which has to be empty, or not there'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and not __fish_seen_subcommand_from check stats migrate backup restore help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l config -d 'Configuration file; flags overrule it' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l chain -d 'Chain to pool on: devnet (default), bitcoin, litecoin, their test networks, or custom; see the sample configuration' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l data-dir -d 'Folder for key, shares and blocks (default: ~/.poolnode/CHAIN)' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l parent-rpc -d 'JSON-RPC of the coin daemon; without it a devnet node runs a devnet chain of its own' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l stratum-listen -d 'Where miners connect to (default: 127.0.0.1:23336; 0.0.0.0:23336 takes miners from other machines)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l stratum-v2-listen -d 'Where miners connect to that speak Stratum V2 (default: nowhere)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l p2p-listen -d 'Multiaddress to listen on for peers; may be repeated (default: TCP and QUIC on port 23333)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l peer -d 'Multiaddress of a peer to stay connected to; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l seed -d 'Multiaddress of a peer to ask for others; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l outbound-max -d 'Most peers to look for and connect to (default: 12)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l selection -d 'How they are chosen: latency or random (default: latency)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l region -d 'Where this node is: NA SA EU AF AS OC AN' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l api-listen -d 'Where the API answers; other machines need a token, see docs/API.md (default: 127.0.0.1:23380)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l devnet-listen -d 'JSON-RPC of the embedded devnet chain (default: 127.0.0.1:23332)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l adopt-branch -d 'Go over to the branch of the share chain that this share is on, whatever its work, as soon as it is known' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l no-discovery -d 'Connect to no other peers than those of `--peer`'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l solo-until-synced -d 'Mine before the share chain is synced'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l config -d 'Configuration file; flags overrule it' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l chain -d 'Chain to pool on: devnet (default), bitcoin, litecoin, their test networks, or custom; see the sample configuration' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l data-dir -d 'Folder for key, shares and blocks (default: ~/.poolnode/CHAIN)' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l parent-rpc -d 'JSON-RPC of the coin daemon; without it a devnet node runs a devnet chain of its own' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l stratum-listen -d 'Where miners connect to (default: 127.0.0.1:23336; 0.0.0.0:23336 takes miners from other machines)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l stratum-v2-listen -d 'Where miners connect to that speak Stratum V2 (default: nowhere)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l p2p-listen -d 'Multiaddress to listen on for peers; may be repeated (default: TCP and QUIC on port 23333)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l peer -d 'Multiaddress of a peer to stay connected to; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l seed -d 'Multiaddress of a peer to ask for others; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l outbound-max -d 'Most peers to look for and connect to (default: 12)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l selection -d 'How they are chosen: latency or random (default: latency)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l region -d 'Where this node is: NA SA EU AF AS OC AN' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l api-listen -d 'Where the API answers; other machines need a token, see docs/API.md (default: 127.0.0.1:23380)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l devnet-listen -d 'JSON-RPC of the embedded devnet chain (default: 127.0.0.1:23332)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l adopt-branch -d 'Go over to the branch of the share chain that this share is on, whatever its work, as soon as it is known' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l no-discovery -d 'Connect to no other peers than those of `--peer`'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l solo-until-synced -d 'Mine before the share chain is synced'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from stats" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l config -d 'Configuration file; flags overrule it' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l chain -d 'Chain to pool on: devnet (default), bitcoin, litecoin, their test networks, or custom; see the sample configuration' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l data-dir -d 'Folder for key, shares and blocks (default: ~/.poolnode/CHAIN)' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l parent-rpc -d 'JSON-RPC of the coin daemon; without it a devnet node runs a devnet chain of its own' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l stratum-listen -d 'Where miners connect to (default: 127.0.0.1:23336; 0.0.0.0:23336 takes miners from other machines)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l stratum-v2-listen -d 'Where miners connect to that speak Stratum V2 (default: nowhere)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l p2p-listen -d 'Multiaddress to listen on for peers; may be repeated (default: TCP and QUIC on port 23333)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l peer -d 'Multiaddress of a peer to stay connected to; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l seed -d 'Multiaddress of a peer to ask for others; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l outbound-max -d 'Most peers to look for and connect to (default: 12)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l selection -d 'How they are chosen: latency or random (default: latency)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l region -d 'Where this node is: NA SA EU AF AS OC AN' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l api-listen -d 'Where the API answers; other machines need a token, see docs/API.md (default: 127.0.0.1:23380)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l devnet-listen -d 'JSON-RPC of the embedded devnet chain (default: 127.0.0.1:23332)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l adopt-branch -d 'Go over to the branch of the share chain that this share is on, whatever its work, as soon as it is known' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l no-discovery -d 'Connect to no other peers than those of `--peer`'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l solo-until-synced -d 'Mine before the share chain is synced'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from migrate" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l config -d 'Configuration file; flags overrule it' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l chain -d 'Chain to pool on: devnet (default), bitcoin, litecoin, their test networks, or custom; see the sample configuration' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l data-dir -d 'Folder for key, shares and blocks (default: ~/.poolnode/CHAIN)' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l parent-rpc -d 'JSON-RPC of the coin daemon; without it a devnet node runs a devnet chain of its own' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l stratum-listen -d 'Where miners connect to (default: 127.0.0.1:23336; 0.0.0.0:23336 takes miners from other machines)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l stratum-v2-listen -d 'Where miners connect to that speak Stratum V2 (default: nowhere)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l p2p-listen -d 'Multiaddress to listen on for peers; may be repeated (default: TCP and QUIC on port 23333)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l peer -d 'Multiaddress of a peer to stay connected to; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l seed -d 'Multiaddress of a peer to ask for others; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l outbound-max -d 'Most peers to look for and connect to (default: 12)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l selection -d 'How they are chosen: latency or random (default: latency)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l region -d 'Where this node is: NA SA EU AF AS OC AN' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l api-listen -d 'Where the API answers; other machines need a token, see docs/API.md (default: 127.0.0.1:23380)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l devnet-listen -d 'JSON-RPC of the embedded devnet chain (default: 127.0.0.1:23332)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l adopt-branch -d 'Go over to the branch of the share chain that this share is on, whatever its work, as soon as it is known' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l no-discovery -d 'Connect to no other peers than those of `--peer`'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l solo-until-synced -d 'Mine before the share chain is synced'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from backup" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l config -d 'Configuration file; flags overrule it' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l chain -d 'Chain to pool on: devnet (default), bitcoin, litecoin, their test networks, or custom; see the sample configuration' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l data-dir -d 'Folder for key, shares and blocks (default: ~/.poolnode/CHAIN)' -r -F
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l parent-rpc -d 'JSON-RPC of the coin daemon; without it a devnet node runs a devnet chain of its own' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l stratum-listen -d 'Where miners connect to (default: 127.0.0.1:23336; 0.0.0.0:23336 takes miners from other machines)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l stratum-v2-listen -d 'Where miners connect to that speak Stratum V2 (default: nowhere)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l p2p-listen -d 'Multiaddress to listen on for peers; may be repeated (default: TCP and QUIC on port 23333)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l peer -d 'Multiaddress of a peer to stay connected to; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l seed -d 'Multiaddress of a peer to ask for others; may be repeated' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l outbound-max -d 'Most peers to look for and connect to (default: 12)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l selection -d 'How they are chosen: latency or random (default: latency)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l region -d 'Where this node is: NA SA EU AF AS OC AN' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l api-listen -d 'Where the API answers; other machines need a token, see docs/API.md (default: 127.0.0.1:23380)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l devnet-listen -d 'JSON-RPC of the embedded devnet chain (default: 127.0.0.1:23332)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l adopt-branch -d 'Go over to the branch of the share chain that this share is on, whatever its work, as soon as it is known' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l no-discovery -d 'Connect to no other peers than those of `--peer`'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l solo-until-synced -d 'Mine before the share chain is synced'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from help" -f -a "check" -d 'Read everything in the store of a node that does not run, and say what is wrong; exit code 1 when something is'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from help" -f -a "stats" -d 'What the store of a node that does not run holds: shares, version, size'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from help" -f -a "migrate" -d 'Bring the store of a node that does not run to the version of this program, as its next start would'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from help" -f -a "backup" -d 'Copy the data folder with keys, shares, blocks and payouts, while the node runs or not'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from help" -f -a "restore" -d 'Put a backup back into the data folder, which has to be empty, or not there'
complete -c poolnode -n "__fish_poolnode_using_subcommand db; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c poolnode -n "__fish_poolnode_using_subcommand nearest" -l user -d 'User name for mining.authorize, to measure how soon jobs come: ADDRESS.worker. Without it nobody is authorized' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand nearest" -l format -d 'What to print: the table, or what a miner\'s configuration takes' -r -f -a "table\t'A table for people'
url\t'One URL a line'
cgminer\t'`pools` of cgminer\'s configuration file'
bitaxe\t'Body for PATCH /api/system of a Bitaxe (AxeOS)'
hiveos\t'A HiveOS flight sheet with a custom miner'
xmrig\t'`pools` of xmrig\'s configuration file'
json\t'Everything that was measured'"
complete -c poolnode -n "__fish_poolnode_using_subcommand nearest" -l current -d 'The endpoint that is used today: also say whether to switch' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand nearest" -l region -d 'Measure nodes of this region first (default: that of the node that is asked): NA SA EU AF AS OC AN' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand nearest" -l share-interval -d 'Wanted time between shares of the pool (default: that of the node that is asked, or 10)' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand nearest" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand nearest" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand nearest" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand nearest" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c poolnode -n "__fish_poolnode_using_subcommand version" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand version" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand version" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand version" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand completions" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand completions" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand completions" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand completions" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand man" -l api -d 'API of the node to ask' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand man" -l log -d 'What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info]' -r
complete -c poolnode -n "__fish_poolnode_using_subcommand man" -l json -d 'JSON for scripts instead of text for people'
complete -c poolnode -n "__fish_poolnode_using_subcommand man" -s h -l help -d 'Print help'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "run" -d 'Run a node'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "init" -d 'Ask what a node needs to know, and write its configuration'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "devnet" -d 'Run a devnet chain alone, for several nodes to share'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "quickstart" -d 'See a whole pool at work: devnet, node and a CPU miner, without any set-up'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "peers" -d 'The peers of a running node: list them, or give orders about them'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "status" -d 'Show a running node at a glance'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "top" -d 'A running node on one screen, anew every second'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "workers" -d 'The miners of a running node, those with the most hash rate first'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "shares" -d 'The newest shares that a running node knows'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "share" -d 'One share: what it builds on, whom it is credited to, whether it is a block'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "blocks" -d 'The pool\'s blocks, the newest first, and what became of them'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "payouts" -d 'Whom the next block pays, and how much; whom blocks paid, and the proof of it'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "verify" -d 'Check a proof of payouts, without a node'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "chain" -d 'The share chain'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "lanes" -d 'Lanes: parent chains that miners of this node work on'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "health" -d 'How well every part of a running node is, since when, and what it does about it; exit code 1 when one has failed'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "emergencies" -d 'What failed at a running node, from when to when, why, and what was done; the newest first'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "drain" -d 'Take no new miners; who is connected mines on, and willing miners are pointed to another node of the operator'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "pause" -d 'Decisions about lanes take no effect until `resume`; lanes that fail are left all the same'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "resume" -d 'Decisions about lanes take effect again as before `pause`'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "events" -d 'What happens at a running node, one line an event'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "doctor" -d 'Look for what keeps a node from its work, and say what to do about it: takes the flags that the node is run with'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "openapi" -d 'Print the description of the HTTP API (OpenAPI 3.1)'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "config" -d 'Check, show or write a configuration'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "db" -d 'The share store of a node: look at it, copy it, put it back'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "nearest" -d 'Measure which pool nodes lose a miner least: those of the directory of a running node, or those that are given'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "version" -d 'Print the version of this program, and of the node that answers'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "completions" -d 'Print what a shell reads to complete commands'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "man" -d 'Write man pages, one for every command'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and not __fish_seen_subcommand_from run init devnet quickstart peers status top workers shares share blocks payouts verify chain lanes health emergencies drain pause resume events doctor openapi config db nearest version completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from peers" -f -a "bans" -d 'Who may not connect, for how long and why'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from peers" -f -a "ban" -d 'Keep a peer or an address away'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from peers" -f -a "unban" -d 'Let it come back'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from peers" -f -a "add" -d 'Connect to an address and stay connected until the node stops; `--peer` is for ever'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from peers" -f -a "drop" -d 'Disconnect a peer'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from peers" -f -a "ping" -d 'Measure the time until a peer answers a question'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from payouts" -f -a "estimate" -d 'What an address can expect of the next block, and within a day'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from payouts" -f -a "history" -d 'Whom the pool\'s blocks paid, the newest first'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from payouts" -f -a "export" -d 'The same as CSV, all of it'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from payouts" -f -a "audit" -d 'Compare what a block pays with what the share chain says that it has to'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from payouts" -f -a "prove" -d 'Write the proof of a block\'s payouts, which anybody can check with `poolnode verify`'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from chain" -f -a "info" -d 'Its identity, tip, work and window'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from chain" -f -a "window" -d 'The shares that the next block pays, and whose they are'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from chain" -f -a "dag" -d 'How the newest shares build on each other'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from lanes" -f -a "ls" -d 'List them'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from lanes" -f -a "status" -d 'Where miners are, why, and what comes next'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from lanes" -f -a "switch" -d 'Move all miners to a lane, and keep them there until `release`; a lane that fails is left all the same'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from lanes" -f -a "release" -d 'Let the policy decide again after `switch`'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from lanes" -f -a "state" -d 'Have decisions take effect (live), only said (dry-run), or none made (paused)'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from lanes" -f -a "explain" -d 'Explain the newest decision, or one by its number'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from lanes" -f -a "replay" -d 'Run a policy over a history, beside one lane for ever, the lane of the moment and the oracle; no node is asked'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Say whether a node would start with this file, the environment and these flags of `run`; exit code 5 when not'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Print the effective configuration: file, environment and these flags of `run` together. Secrets are hidden'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "generate" -d 'Print a complete configuration with every key documented'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "schema" -d 'Print the JSON schema of the file, for editors'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from db" -f -a "check" -d 'Read everything in the store of a node that does not run, and say what is wrong; exit code 1 when something is'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from db" -f -a "stats" -d 'What the store of a node that does not run holds: shares, version, size'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from db" -f -a "migrate" -d 'Bring the store of a node that does not run to the version of this program, as its next start would'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from db" -f -a "backup" -d 'Copy the data folder with keys, shares, blocks and payouts, while the node runs or not'
complete -c poolnode -n "__fish_poolnode_using_subcommand help; and __fish_seen_subcommand_from db" -f -a "restore" -d 'Put a backup back into the data folder, which has to be empty, or not there'
