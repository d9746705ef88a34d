using Formation.Inference.Cli;

return await FormApplication.RunAsync(args, CommandContext.ForThisProcess());
