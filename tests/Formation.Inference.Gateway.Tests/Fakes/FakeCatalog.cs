namespace Formation.Inference.Gateway.Tests.Fakes;

/// <summary>Two models: <c>tiny</c>, which is ready, and <c>acme/big-1</c>, which is loaded on demand.</summary>
internal sealed class FakeCatalog : IModelCatalog
{
    public static readonly DateTimeOffset Written = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public ModelDescription Tiny { get; set; } = new("tiny", Written, "formation", 2048, 1_000_000, ModelState.Ready, 1)
    {
        Abilities = new ModelAbilities(Chats: true, Thinks: false, TakesEffort: false, FillsGaps: false),
    };

    public ModelDescription Big { get; set; } = new("acme/big-1", Written, "acme", null, null, ModelState.Available, 0);

    public IReadOnlyList<ModelDescription> List() => [Big, Tiny];

    public ModelDescription? Find(string modelId) => List().FirstOrDefault(model => model.Id == modelId);
}
