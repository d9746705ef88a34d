using System.CommandLine;
using Formation.Inference.Cli.Arguments;

namespace Formation.Inference.Cli.Planning;

/// <summary>The options of a command that say how a model is to be placed.</summary>
sealed class PlacementOptions
{
    private readonly Option<int?> _context =
        CommonOptions.Count("--context", "Positions promised to each sequence [default: the model's own, at most 8192]", 16, 1 << 24);

    private readonly Option<int?> _concurrency;

    private readonly Option<ReplicasArgument?> _replicas = ReplicasArgument.Option("Replicas; of MIN-MAX, demand moves the number, and MIN is planned for [default: the fastest number]");

    private readonly Option<int?> _stages = CommonOptions.Count("--stages", "Stages of a replica [default: the fastest number]", 1, 1024);

    private readonly Option<GroupArgument?> _tensorParallel = GroupArgument.Option(
        "Nodes of one site that compute all layers of a replica together, a share of each, so that one stream is faster; auto: as many as are fastest [default: 1]");

    private readonly Option<int?> _spares;

    private readonly Option<string[]> _pins = new("--pin")
    {
        Description = "Give these layers to this node; may be given several times",
        HelpName = "NODE=FIRST-LAST",
    };

    private readonly Option<string[]> _regions;

    private readonly Option<string[]> _labels = new("--label")
    {
        Description = "Only nodes with this label; may be given several times",
        HelpName = "LABEL",
    };

    private readonly Option<bool> _trustedOnly = new("--trusted-only") { Description = "Only nodes of trusted operators" };

    private readonly Option<string> _kvFormat = new("--kv-format")
    {
        Description = "How keys and values are stored",
        DefaultValueFactory = _ => "f16",
    };

    private readonly Option<string> _linkPrecision = new("--link-precision")
    {
        Description = "How activations cross links: f32 gives the tokens of one machine",
        DefaultValueFactory = _ => "f32",
    };

    /// <param name="concurrency">Sequences promised at once where nothing is said.</param>
    /// <param name="spares">What a spare is to this command, in the plural.</param>
    /// <param name="regions">What may lie only in the given regions.</param>
    public PlacementOptions(int concurrency, string spares, string regions)
    {
        _concurrency = CommonOptions.Count("--concurrency", $"Sequences promised at once [default: {concurrency}]", 1, 1 << 16);
        _spares = CommonOptions.Count("--spares", $"{spares} kept ready for a lost stage [default: 0]", 0, 1024);
        _regions = new("--region") { Description = $"Regions in which {regions}; may be given several times [default: all]", HelpName = "REGION" };
        _kvFormat.AcceptOnlyFromAmong("f16", "q8_0");
        _linkPrecision.AcceptOnlyFromAmong("f32", "bf16", "q8");
    }

    /// <summary>In the order in which a help text shows them.</summary>
    public IEnumerable<Option> All =>
        [_context, _concurrency, _replicas, _stages, _tensorParallel, _spares, _pins, _regions, _labels, _trustedOnly, _kvFormat, _linkPrecision];

    /// <exception cref="CommandException">A pin is not of the form that it must have.</exception>
    public PlacementArguments Read(ParseResult parse) => new()
    {
        Context = parse.GetValue(_context),
        Concurrency = parse.GetValue(_concurrency),
        Replicas = parse.GetValue(_replicas),
        Stages = parse.GetValue(_stages),
        TensorParallel = parse.GetValue(_tensorParallel),
        Spares = parse.GetValue(_spares) ?? 0,
        Pins = [.. parse.GetValue(_pins)!.Select(PinArgument.Parse)],
        Regions = parse.GetValue(_regions)!,
        Labels = parse.GetValue(_labels)!,
        TrustedOnly = parse.GetValue(_trustedOnly),
        KvFormat = parse.GetValue(_kvFormat)!,
        LinkPrecision = parse.GetValue(_linkPrecision)!,
    };
}

/// <summary>Lets these options stand among the others of a command.</summary>
static class PlacementOptionsOfCommand
{
    public static void Add(this Command command, PlacementOptions options)
    {
        foreach (var option in options.All)
            command.Options.Add(option);
    }
}
