using System.CommandLine;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Hosting;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Cli.Inference;

/// <summary><c>form inference serve</c>: gateway and engine in one process.</summary>
static class ServeCommand
{
    public static Command Create(CommandContext context)
    {
        var model = new Option<string[]>("--model") { Description = "Serve this GGUF file under this id; may be given several times", HelpName = "ID=PATH" };
        var models = new Option<string?>("--models") { Description = "Serve every GGUF file of this folder under its name", HelpName = "DIR" };
        var urls = new Option<string>("--urls")
        {
            Description = "Addresses to listen on, divided by ';'",
            HelpName = "URL",
            DefaultValueFactory = _ => "http://127.0.0.1:8080",
        };
        var data = CommonOptions.Data();
        var database = new Option<string?>("--database")
        {
            Description = "PostgreSQL of several gateways: 'Host=...;Username=...;Database=...' or postgresql://... [default: FORMATION_DATABASE, "
                + "else files in --data]. Others on this machine see a command line: give a password in FORMATION_DATABASE",
            HelpName = "DATABASE",
        };
        var threads = CommonOptions.Count("--threads", "Threads that compute [default: one for each core]", 1, WorkerTeam.MaxThreads);
        var memory = CommonOptions.Size("--memory", "What all loaded models may take together [default: three quarters of what is available]");
        var length = CommonOptions.Count("--context", "Longest context in tokens [default: the model's own, at most 8192]", 16, 1 << 24);
        var parallel = CommonOptions.Count("--parallel", "Sequences that run at once in a model [default: 32]", 1, 4096);
        var kvFormat = new Option<string>("--kv-format")
        {
            Description = "How keys and values are stored; q8_0 takes half the memory",
            DefaultValueFactory = _ => "f16",
        };
        kvFormat.AcceptOnlyFromAmong("f16", "q8_0");
        var speculative = SpeculationArguments.Mode();
        var drafts = SpeculationArguments.DraftModels();
        var apiKey = new Option<string?>("--api-key") { Description = "This key is an administrator's too [default: FORMATION_API_KEY]", HelpName = "KEY" };
        var noAuth = new Option<bool>("--no-auth") { Description = "Serve every caller without a key" };
        var noStore = new Option<bool>("--no-store") { Description = "Keep nothing that users write: no responses to go on with or to fetch later, no files, no batches" };
        var otlp = new Option<string?>("--otlp") { Description = "Send traces of the request path to this OTLP/gRPC address [default: none are made]", HelpName = "URL" };
        var cluster = new Option<string?>("--cluster-listen")
        {
            Description = "Where nodes of the network dial in (mutual TLS), or off [default: the address of --urls, on the next port]",
            HelpName = "ADDRESS",
        };
        var clusterUrl = new Option<string[]>("--cluster-url")
        {
            Description = "Where nodes reach this gateway, for those that another one tells of it; may be given several times [default: the addresses of this machine]",
            HelpName = "URL",
        };
        var noNode = new Option<bool>("--no-node") { Description = "This machine computes nothing for its network; by default it is a node, too, as soon as there is another one" };
        var adapt = new Option<string[]>("--adapt")
        {
            Description = "When demand and speed move deployments, such as move-after=2m or grow-above=80%; may be given several times",
            HelpName = "NAME=VALUE",
        };
        var standard = new Option<string?>("--default-model")
        {
            Description = "The model of requests that name none, as those of Hugging Face's clients do [default: formation-llm, or else the first model]",
            HelpName = "ID",
        };
        var limit = CommonOptions.Duration("--shutdown-limit", "How long a stop waits for running requests [default: 30s]");
        var command = new Command("serve", "Serves models over HTTP with the APIs of OpenAI, Anthropic and Hugging Face")
        {
            model, models, standard, urls, data, database, threads, memory, length, parallel, kvFormat, speculative, drafts, apiKey, noAuth, noStore, cluster, clusterUrl, noNode, otlp, adapt, limit,
        };
        command.SetAction((parse, cancellationToken) =>
        {
            var machine = MachineDescription.Read();
            var addresses = ListenAddresses.Parse(parse.GetValue(urls)!);
            var settings = new ServeSettings
            {
                Models = parse.GetValue(model) ?? [],
                ModelsFolder = parse.GetValue(models),
                DefaultModel = parse.GetValue(standard),
                Addresses = addresses,
                ClusterListen = ClusterListen.Parse(parse.GetValue(cluster), addresses),
                ClusterUrls = ClusterUrls.Parse(parse.GetValue(clusterUrl) ?? []),
                IsNode = !parse.GetValue(noNode),
                DataFolder = Path.GetFullPath(parse.GetValue(data) ?? context.Folders.Data),
                Database = (parse.GetValue(database) ?? context.Environment("FORMATION_DATABASE")) is { Length: > 0 } place ? new SensitiveText(place) : default(SensitiveText?),
                Threads = parse.GetValue(threads) ?? machine.DefaultThreads,
                MemoryBytes = parse.GetValue(memory) ?? machine.MemoryAvailableBytes / 4 * 3,
                ContextLength = parse.GetValue(length),
                ParallelSequences = parse.GetValue(parallel),
                KvFormat = parse.GetValue(kvFormat) == "q8_0" ? KvFormat.Q8_0 : KvFormat.F16,
                Speculation = SpeculationArguments.Parse(parse.GetValue(speculative)!, parse.GetValue(drafts) ?? []),
                DraftModels = parse.GetValue(drafts) ?? [],
                ApiKey = parse.GetValue(apiKey) ?? (context.Environment("FORMATION_API_KEY") is { Length: > 0 } key ? key : null),
                WithoutAuthentication = parse.GetValue(noAuth),
                KeepsContents = !parse.GetValue(noStore),
                OtlpEndpoint = parse.GetValue(otlp) is { } endpoint ? Client.ServerAddress.ParseUrl(endpoint) : null,
                Adapt = AdaptArgument.Parse(parse.GetValue(adapt) ?? []),
                ShutdownLimit = parse.GetValue(limit) ?? TimeSpan.FromSeconds(30),
            };
            return ServerHost.RunAsync(settings, context, cancellationToken);
        });
        return command;
    }
}
