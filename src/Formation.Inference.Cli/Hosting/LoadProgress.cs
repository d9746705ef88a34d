using Spectre.Console;

namespace Formation.Inference.Cli.Hosting;

/// <summary>Shows how far a model's load is: a bar where a person watches, a line now and then in a log.</summary>
static class LoadProgress
{
    private static readonly TimeSpan BarInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(5);

    /// <summary>Shows progress until <paramref name="load"/> ends, however it ends. A load that is done at once shows nothing.</summary>
    public static async Task ShowAsync(CommandContext context, IModelCatalog catalog, string id, Task load)
    {
        if (await EndsWithinAsync(load, BarInterval, context.Time))
            return;
        if (!context.Output.ErrorIsTerminal)
        {
            while (!await EndsWithinAsync(load, LineInterval, context.Time))
                context.Output.Note($"Loading {id}: {Share():P0}");
            return;
        }
        await context.Output.Progress.Progress().StartAsync(async bars =>
        {
            var bar = bars.AddTask($"Loading {Markup.Escape(id)}", maxValue: 1);
            do
                bar.Value = Share();
            while (!await EndsWithinAsync(load, BarInterval, context.Time));
            bar.Value = 1;
        });

        double Share() => catalog.Find(id)?.LoadProgress ?? 0;
    }

    private static async Task<bool> EndsWithinAsync(Task task, TimeSpan time, TimeProvider clock) =>
        await Task.WhenAny(task, Task.Delay(time, clock)) == task;
}
